package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
)

// maxFileBody is the largest postback that anything in skand looks at.
const maxFileBody = 64 << 10

// fileBody is one postback of a file. A body over maxFileBody has no text.
type fileBody struct {
	text     []byte // valid until the next call of next
	line     int    // where it begins, from 1
	tooLarge bool
}

// bodyReader reads a stream that holds one postback, on one line or on many, or
// NDJSON. It never holds more than two bodies.
type bodyReader struct {
	in   *bufio.Reader
	line int // lines read so far
	any  bool
	done bool
}

func newBodyReader(r io.Reader) *bodyReader {
	return &bodyReader{in: bufio.NewReaderSize(r, maxFileBody+2)} // a line end of two bytes fits too
}

// next returns the next body, io.EOF after the last one. A stream without any is
// one empty body, so that an empty file is not taken for a good one.
func (b *bodyReader) next() (fileBody, error) {
	for !b.done {
		got, err := b.readLine()
		if err != nil {
			return fileBody{}, err
		}
		if len(got.text) == 0 && !got.tooLarge {
			continue
		}
		first := !b.any
		b.any = true
		if first && !got.tooLarge && unfinishedJSON(got.text) {
			return b.whole(got)
		}
		return got, nil
	}
	if !b.any {
		b.any = true
		return fileBody{line: 1}, nil
	}
	return fileBody{}, io.EOF
}

// readLine reads one line without its end and white space around it.
func (b *bodyReader) readLine() (fileBody, error) {
	b.line++
	got := fileBody{line: b.line}
	text, err := b.in.ReadSlice('\n')
	for errors.Is(err, bufio.ErrBufferFull) {
		got.tooLarge = true
		_, err = b.in.ReadSlice('\n')
	}
	if errors.Is(err, io.EOF) {
		b.done, err = true, nil
	}
	if !got.tooLarge {
		got.text = bytes.TrimSpace(text)
		got.tooLarge = len(got.text) > maxFileBody
	}
	return got, err
}

// whole continues a first line that doesn't end its value: the stream is one
// postback printed over several lines. When the second line begins an object of
// its own it is NDJSON after all, with a cut first line.
func (b *bodyReader) whole(first fileBody) (fileBody, error) {
	first.text = append([]byte(nil), first.text...)
	ahead, err := b.in.Peek(maxFileBody)
	if err != nil && !errors.Is(err, io.EOF) {
		return fileBody{}, err
	}
	if first.text[0] == '{' && bytes.HasPrefix(bytes.TrimSpace(ahead), []byte("{")) {
		return first, nil
	}
	b.done = true
	rest, err := io.ReadAll(io.LimitReader(b.in, maxFileBody+1))
	if err != nil {
		return fileBody{}, err
	}
	first.text = append(append(first.text, '\n'), rest...)
	first.tooLarge = len(first.text) > maxFileBody
	return first, nil
}

// unfinishedJSON tells that text is the beginning of a JSON value.
func unfinishedJSON(text []byte) bool {
	var raw json.RawMessage
	err := json.NewDecoder(bytes.NewReader(text)).Decode(&raw)
	return errors.Is(err, io.ErrUnexpectedEOF)
}
