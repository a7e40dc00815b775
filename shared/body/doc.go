// Package body reads bodies that are no JSON: it finds out their form and their character encoding and makes of forms,
// multipart bodies and XML what encoding/json makes of JSON: maps, slices and strings.
//
// Which file to open:
//
//	kind.go       what is a body, where its content type and its bytes disagree?
//	charset.go    in which encoding is it written?
//	form.go       how is a form read?
//	multipart.go  how are the parts of a multipart body read, and what is told of files?
//	xml.go        how does XML become a document?
//
// It does not read JSON and does not know what a body is for. No input makes it panic, and each reader has a bound on how many values it
// makes, since a value takes far more memory than the bytes that it is written with. Errors say in a sentence without a
// period what is wrong with the body, as in "has more than 10000 fields".
package body
