// Package browsertest owns the tests that look at pages as people do: a real browser on
// a real store. Its tests hold, page by page and role by role, that nothing leaves the
// origin, that no script complains, that the policy of the page is kept, that axe-core
// finds nothing serious in light and in dark, and that a keyboard is enough.
//
// It refuses to be part of the program. Without Chromium its tests are left out and say
// so; SKAND_TEST_BROWSER=all makes that a failure. SKAND_TEST_AXE is a folder with
// axe-core in node_modules (.ci/browser). SKAND_PAGES_SHOTS is a folder, from the root
// of the repository, that pictures of all pages are written to.
package browsertest
