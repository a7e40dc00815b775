package receiver

import (
	"net/http"
	"strconv"
)

const contentType = "application/json; charset=utf-8"

// nothing is what an empty queue is answered: these four bytes. A newline behind them ends the official Go chatbot, an empty
// body the Python one.
const nothing = "null"

// write sends JSON as it is, with its length and without a newline.
func write(w http.ResponseWriter, body []byte) {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body) //nolint:gosec // JSON, and who is gone can't be told anything.
}

// empty answers with a status and no body: all official clients survive that, and no other answer but the good ones.
func empty(w http.ResponseWriter, status int) {
	w.Header().Set("Content-Length", "0")
	w.WriteHeader(status)
}

// sentence answers with a status and a sentence, where no official client would read it as JSON.
func sentence(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text))
}

// maxReceipt is the largest receipt and one: clients read receipts as 32 bits with a sign.
const maxReceipt = 1<<31 - 1

// receiptOf is the receipt of an event. It is the same for every process and needs no table; that it comes again after two
// billion events does not matter, since only the head's is good.
func receiptOf(sequence uint64) uint64 { return sequence%maxReceipt + 1 }

// handedOut is a notification as receiveNotification hands it out, with the body's bytes as they came.
func handedOut(receipt uint64, body []byte) []byte {
	answer := make([]byte, 0, len(body)+64)
	answer = append(answer, `{"receiptId":`...)
	answer = strconv.AppendUint(answer, receipt, 10)
	answer = append(answer, `,"body":`...)
	answer = append(answer, body...)
	return append(answer, '}')
}

// allowPages lets pages of other hosts read the answers, as the real API does. The secret is in the URL, so that nothing is
// given away that a cookie would.
func allowPages(w http.ResponseWriter) {
	w.Header().Set("Access-Control-Allow-Origin", "*")
	w.Header().Set("Access-Control-Allow-Methods", "GET, POST, OPTIONS, DELETE")
	w.Header().Set("Access-Control-Allow-Headers", "Content-Type")
}
