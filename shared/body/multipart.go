package body

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/textproto"
	"path"
	"regexp"
	"strconv"
	"strings"
)

const (
	// MaxParts is how many parts a multipart body may have. Each has a header, which takes more memory than its bytes.
	MaxParts = 1000
	// blobName is what browsers call a part that was made by a program and is no file.
	blobName = "blob"
	// maxFileText bounds what is told of a file's name and type, in bytes.
	maxFileText = 256
)

// Parts are the parts of a multipart body as they were read.
type Parts struct {
	Fields

	// Cut says that its end is missing. All that came of it was read.
	Cut bool
}

// readJSONFunc reads the text of a part as JSON, if it is meant to be that.
type readJSONFunc = func(name, mediaType string, text []byte) (value any, isJSON bool, err error)

// ParseMultipart reads a multipart body: a part is a field by its name, a part without one by its number from 0. A field's
// value is its text, or what readJSON makes of it where it is JSON. Of a file there is an object with name, filename, type and
// size in bytes; its content is in the body alone. readJSON decides by the part's type and text whether it is JSON. Where it
// fails, the body is refused.
//
// Source: https://www.rfc-editor.org/rfc/rfc7578
func ParseMultipart(contentType string, raw []byte, readJSON readJSONFunc) (read Parts, err error) {
	boundary := boundaryOf(contentType, raw)
	if boundary == "" {
		return read, errors.New("is multipart without a boundary")
	}
	reader := multipart.NewReader(bytes.NewReader(raw), boundary)
	for number := 0; ; number++ {
		part, err := reader.NextPart()
		switch {
		case errors.Is(err, io.EOF) && (number > 0 || isEmptyMultipart(raw, boundary)):
			read.Cut = !bytes.Contains(raw, []byte("--"+boundary+"--"))
			return read, nil
		case number == 0 && err != nil:
			return read, errors.New("is not multipart: no part begins with its boundary")
		case err != nil:
			read.Cut = true
			return read, nil //nolint:nilerr // What came before it is read.
		case number == MaxParts:
			return read, fmt.Errorf("has more than %d parts", MaxParts)
		}
		one, whole, err := read.readPart(part, number, readJSON)
		if err != nil {
			return read, err
		}
		read.all = append(read.all, one)
		if !whole {
			read.Cut = true
			return read, nil
		}
	}
}

// isEmptyMultipart reports whether a body has no part at all, as a form without fields has.
func isEmptyMultipart(raw []byte, boundary string) bool {
	return strings.TrimSpace(string(raw)) == "--"+boundary+"--"
}

// boundaryOf returns what separates the parts: what the content type says, or the first line where it says nothing.
func boundaryOf(contentType string, raw []byte) string {
	_, parameters, err := mime.ParseMediaType(contentType)
	if boundary := parameters["boundary"]; err == nil && boundary != "" {
		return boundary
	}
	line, _, _ := bytes.Cut(bytes.TrimLeft(raw, "\r\n"), []byte("\n"))
	boundary, found := strings.CutPrefix(strings.TrimSpace(string(line)), "--")
	if !found || len(boundary) > 200 {
		return ""
	}
	return boundary
}

// readPart makes a field of a part. It is not whole when the body ends within it.
func (p *Parts) readPart(part *multipart.Part, number int, readJSON readJSONFunc) (one field, whole bool, err error) {
	name, file, isFile := disposition(part.Header)
	if name == "" {
		name = strconv.Itoa(number)
	}
	one.name = strings.ToValidUTF8(name, replacement)
	partType := part.Header.Get("Content-Type")
	if isFile {
		size, err := io.Copy(io.Discard, decodedPart(part))
		one.value = fileObject(one.name, file, partType, size)
		return one, err == nil, nil
	}
	content, err := io.ReadAll(decodedPart(part))
	whole = err == nil
	text, _ := Text(partType, content) // A charset that nobody knows is passed over, as in forms.
	value, isJSON, err := readJSON(one.name, mediaType(partType), text)
	if err != nil {
		return one, whole, fmt.Errorf("has a part %q that %w", bounded(name, maxShown), err)
	}
	if isJSON {
		one.value = value
		return one, whole, nil
	}
	plain, replaced := textIn("", string(text))
	if replaced {
		p.noteReplaced(one.name)
	}
	one.value = plain
	return one, whole, nil
}

// fileObject is what is told of a file. Its name is without folders: no program should be led to write into one.
func fileObject(name, file, partType string, size int64) map[string]any {
	return map[string]any{
		"name": name, "filename": bounded(path.Base(strings.ReplaceAll(file, `\`, "/")), maxFileText),
		"type": bounded(partType, maxFileText), "size": json.Number(strconv.FormatInt(size, 10)),
	}
}

// decodedPart undoes the transfer encoding of a part, which mail has and which forms need not have.
func decodedPart(part *multipart.Part) io.Reader {
	if strings.EqualFold(part.Header.Get("Content-Transfer-Encoding"), "base64") {
		return base64.NewDecoder(base64.StdEncoding, part)
	}
	return part
}

// disposition returns the name of a part, and that of its file if it is one.
func disposition(header textproto.MIMEHeader) (name, file string, isFile bool) {
	written := header.Get("Content-Disposition")
	_, parameters, err := mime.ParseMediaType(written)
	if err != nil { // Names with brackets and without quotes, for example.
		parameters = map[string]string{}
		for _, found := range looseParameter.FindAllStringSubmatch(written, -1) {
			parameters[strings.ToLower(found[1])] = strings.Trim(found[2], `"`)
		}
	}
	file = parameters["filename"]
	return parameters["name"], file, file != "" && file != blobName
}

// looseParameter finds the parameters of a disposition that are not written as they should be.
var looseParameter = regexp.MustCompile(`(?i);\s*(name|filename)\s*=\s*("[^"]*"|[^;]*)`)
