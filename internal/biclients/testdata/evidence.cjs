// Asks PostgreSQL with the connector of Evidence, as its build does, and prints a row
// of JSON a line:
//
//   node evidence.cjs FOLDER < {"options": {…}, "sql": "…"}
//
// FOLDER holds node_modules. A date is printed as its day in UTC (run it with TZ=UTC).
const { createRequire } = require('node:module');
const { readFileSync } = require('node:fs');
const { join } = require('node:path');

const connector = createRequire(join(process.argv[2], 'x.js'))('@evidence-dev/postgres');

async function main() {
  const { options, sql } = JSON.parse(readFileSync(0, 'utf8'));
  const connected = await connector.testConnection(options);
  if (connected !== true) throw new Error(`no connection: ${connected.reason}`);
  const run = await connector.getRunner(options);
  const answer = await run(sql, 'question.sql', 3); // batches of three rows: it streams
  let rows = 0;
  for await (const batch of answer.rows())
    for (const row of batch) {
      const day = (v) => (v instanceof Date ? v.toISOString().slice(0, 10) : v);
      console.log(JSON.stringify(answer.columnTypes.map((c) => day(row[c.name]))));
      rows++;
    }
  if (rows !== Number(answer.expectedRowCount)) throw new Error(`${rows} rows of ${answer.expectedRowCount}`);
}

main().catch((e) => {
  console.error(e.message);
  process.exit(1);
});
