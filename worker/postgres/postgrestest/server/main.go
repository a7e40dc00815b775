// Server runs a PostgreSQL for tests of modules that have no driver for one. It prints where that is, then answers each line of
// its standard input by a line of JSON, and ends the server and itself when there are no more:
//
//	kill          ends it as `kill -9` of all its processes does
//	resume        starts it again, with the same files at the same address
//	SQL           a query; the answer has its rows, each as a list
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/jackc/pgx/v5"

	"sluice.internal/worker/postgres/postgrestest"
)

func main() {
	if err := serve(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// answer is what a line is answered.
type answer struct {
	Rows  [][]any `json:"rows"`
	Error string  `json:"error"`
}

func serve(in io.Reader, out io.Writer) (err error) {
	server, err := postgrestest.New()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Close()) }()
	if _, err := fmt.Fprintln(out, server.URL()); err != nil {
		return err
	}
	lines, answers := bufio.NewScanner(in), json.NewEncoder(out)
	for lines.Scan() {
		var reply answer
		var failure error
		switch line := lines.Text(); line {
		case "kill":
			failure = server.Kill()
		case "resume":
			failure = server.Resume()
		default:
			reply.Rows, failure = query(server.URL(), line)
		}
		if failure != nil {
			reply.Error = failure.Error()
		}
		if err := answers.Encode(reply); err != nil {
			return err
		}
	}
	return lines.Err()
}

// query connects anew, since the server may have been killed since the last one.
func query(url, sql string) (rows [][]any, err error) {
	ctx := context.Background() // Whoever asks bounds the time, and ends this process.
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close(ctx) }()
	result, err := conn.Query(ctx, sql)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(result, func(row pgx.CollectableRow) ([]any, error) { return row.Values() })
}
