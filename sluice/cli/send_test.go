package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"sluice.internal/sluice/cli"
	"sluice.internal/sluice/local"
)

// gateway answers as it is told and remembers what came.
type gateway struct {
	*httptest.Server

	mutex       sync.Mutex
	connections int
	requests    []string // method, path, content type, authorization and body
}

func startGateway(t *testing.T, answer http.HandlerFunc) *gateway {
	t.Helper()
	g := &gateway{}
	g.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		g.mutex.Lock()
		g.requests = append(g.requests, fmt.Sprintf("%s %s %s %q %s", r.Method, r.URL, r.Header.Get("Content-Type"),
			r.Header["Authorization"], body))
		g.mutex.Unlock()
		answer(w, r)
	}))
	g.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			g.mutex.Lock()
			g.connections++
			g.mutex.Unlock()
		}
	}
	g.Start()
	t.Cleanup(g.Close)
	return g
}

// storing answers as a gateway does, with receipts from 17 on.
func storing() http.HandlerFunc {
	receipt := 16
	return func(w http.ResponseWriter, _ *http.Request) {
		receipt++
		w.Header().Set("Sluice-Receipt", fmt.Sprint(receipt))
		w.Header().Set("Sluice-Request-Id", fmt.Sprintf("request-%d", receipt))
		_, _ = fmt.Fprintf(w, `{"status":"stored","receipt":%d}`, receipt)
	}
}

func answering(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// withFolder makes a data folder whose gateway this is, and whose token is "made-token".
func (g *gateway) withFolder(t *testing.T) (dir string) {
	t.Helper()
	dir = dataFolder(t, local.Description{GatewayURL: g.URL, Sources: map[string]local.Source{
		"green-api": {Path: "/green-api/webhook", TokenFile: "green-api.token"},
		"open":      {Path: "/open"},
	}})
	writeToken(t, dir, "green-api.token", "made-token")
	return dir
}

func TestNoFileOutsideOfTheDataFolderIsSent(t *testing.T) {
	t.Parallel()
	g := startGateway(t, storing())
	secret := writeFile(t, "nats.seed", "SUASEEDOFTHEOPERATOR\n")
	dir := g.withFolder(t)
	if err := os.Symlink(secret, filepath.Join(dir, "link.token")); err != nil {
		t.Fatal(err)
	}
	for _, named := range []string{secret, "../" + filepath.Base(filepath.Dir(secret)) + "/nats.seed", "link.token"} {
		folder, err := local.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(folder.Describe(local.Description{GatewayURL: g.URL, Sources: map[string]local.Source{
			"green-api": {Path: "/green-api/webhook", TokenFile: named},
		}}), folder.Close()); err != nil {
			t.Fatal(err)
		}
		run(t, "send", "--data", dir, writeFile(t, "call.json", "{}")).fails(t, 1, "sluice: read token: ")
	}
	if len(g.requests) > 0 {
		t.Errorf("sent %q", g.requests)
	}
}

func TestFolderThatOthersCanWriteIntoIsNotBelieved(t *testing.T) {
	t.Parallel()
	g := startGateway(t, storing())
	dir := g.withFolder(t)
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	run(t, "send", "--data", dir, writeFile(t, "call.json", "{}")).fails(t, 1, "can be written by others (mode 0777)", "chmod go-w "+dir)
	if len(g.requests) > 0 {
		t.Errorf("sent %q", g.requests)
	}
}

func TestFilesAreSentInOrderOverOneConnection(t *testing.T) {
	t.Parallel()
	g := startGateway(t, storing())
	call, folder := writeFile(t, "call.json", "{\n \"n\": 1.0 }"), t.TempDir()
	for name, content := range map[string]string{"b.json": "b", "a.json": "\xffa", "c.txt": "no"} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(folder, "d.json"), 0o700); err != nil {
		t.Fatal(err)
	}
	got := typed{args: []string{"send", "--data", g.withFolder(t), folder, call, "-"}, stdin: "from stdin"}.run(t)
	width := max(len(call), len(folder)+len("/a.json"))
	var want strings.Builder
	for i, name := range []string{folder + "/a.json", folder + "/b.json", call, "-"} {
		fmt.Fprintf(&want, "%-*s  200  stored  receipt %d\n", width, name, 17+i)
	}
	got.want(t, result{stdout: want.String()})
	const start = `POST /green-api/webhook application/json ["Bearer made-token"] `
	if wanted := []string{start + "\xffa", start + "b", start + "{\n \"n\": 1.0 }", start + "from stdin"}; !slices.Equal(g.requests, wanted) {
		t.Errorf("requests %q\nwant %q", g.requests, wanted)
	}
	if g.connections != 1 {
		t.Errorf("%d connections, want 1", g.connections)
	}
}

func TestAnswersAreTold(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		answer       http.HandlerFunc
		code         int
		stdout, json string // behind the file
		stderr       string
	}{
		"stored": {
			storing(), 0, "200  stored  receipt 17",
			`"status":200,"receipt":17,"request_id":"request-17","code":"stored"`, "",
		},
		"not authorized": {
			answering(401, `{"code":"unauthorized","message":"Send the token."}`), 1, "401  unauthorized  Send the token.",
			`"status":401,"code":"unauthorized","message":"Send the token."`, "sluice: the file was not answered 200\n",
		},
		"no room": {
			answering(503, `{"code":"store_full","message":"There is no room."}`), 1, "503  store_full  There is no room.",
			`"status":503,"code":"store_full","message":"There is no room."`, "sluice: the file was not answered 200\n",
		},
		"a page of a proxy": {
			answering(502, "<html>\r\n<h1>Bad\x1b[31m Gateway</h1>"+strings.Repeat("x", 300)), 1,
			"502  -  <html> <h1>Bad\uFFFD[31m Gateway</h1>" + strings.Repeat("x", 167) + "…",
			`"status":502,"message":"<html> <h1>Bad` + "\uFFFD" + `[31m Gateway</h1>` + strings.Repeat("x", 167) + `…"`,
			"sluice: the file was not answered 200\n",
		},
		"nothing but a status": {
			answering(404, ""), 1, "404  -  Not Found", `"status":404,"message":"Not Found"`, "sluice: the file was not answered 200\n",
		},
		"another server": {
			answering(200, "<html>Welcome!"), 0, "200  -  the answer has no receipt; is that a gateway of Sluice?",
			`"status":200,"message":"the answer has no receipt; is that a gateway of Sluice?"`, "",
		},
		"somewhere else": {
			http.RedirectHandler("/elsewhere", http.StatusPermanentRedirect).ServeHTTP, 1, "308  -  Permanent Redirect",
			`"status":308,"message":"Permanent Redirect"`, "sluice: the file was not answered 200\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			command := typed{args: []string{"send", "--url", startGateway(t, test.answer).URL, "-"}, environ: []string{"SLUICE_TOKEN=the-token"}}
			command.run(t).want(t, result{test.code, "-  " + test.stdout + "\n", test.stderr})
			command.args = []string{"send", "--json", "--url", startGateway(t, test.answer).URL, "-"}
			if name == "stored" {
				command.args[3] = startGateway(t, storing()).URL
			}
			got := command.run(t)
			if want := `{"file":"-",` + test.json + `,"duration_ms":`; got.code != test.code || !strings.HasPrefix(got.stdout, want) {
				t.Errorf("got %+v\nwant %s", got, want)
			}
			var object struct {
				Duration float64 `json:"duration_ms"`
			}
			if err := json.Unmarshal([]byte(got.stdout), &object); err != nil || object.Duration <= 0 {
				t.Errorf("duration %v, error %v", object.Duration, err)
			}
		})
	}
}

func TestRefusedFileDoesNotHoldUpTheOthers(t *testing.T) {
	t.Parallel()
	stored := storing()
	g := startGateway(t, nil)
	g.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if body, _ := io.ReadAll(r.Body); string(body) == "bad" {
			answering(413, `{"code":"body_too_large","message":"Send a smaller one."}`)(w, r)
			return
		}
		stored(w, r)
	})
	bad, good := writeFile(t, "1.json", "bad"), writeFile(t, "2.json", "good")
	run(t, "send", "--url", g.URL, bad, good).want(t, result{
		code:   1,
		stdout: bad + "  413  body_too_large  Send a smaller one.\n" + good + "  200  stored  receipt 17\n",
		stderr: "sluice: 1 of 2 files answered 200\n",
	})
}

func TestFileWithoutAnAnswerEndsSending(t *testing.T) {
	t.Parallel()
	address := deadAddress(t)
	dir := dataFolder(t, local.Description{GatewayURL: "http://" + address, Sources: map[string]local.Source{"green-api": {Path: "/x"}}})
	typed{args: []string{"send", "--data", dir, "-", writeFile(t, "2.json", "{}")}}.run(t).fails(t, 1,
		"sluice: 0 of 2 files answered 200\nsluice: 1 file not sent, so as not to overtake the one without an answer\n")
	got := typed{args: []string{"send", "--json", "--data", dir, "-"}}.run(t)
	want := `{"file":"-","code":"unanswered","message":"nothing listens at ` + address + "; is `sluice up` running?\","
	if got.code != 1 || !strings.HasPrefix(got.stdout, want) {
		t.Errorf("got %+v\nwant %s", got, want)
	}
}

func TestAnswerIsWaitedForAsLongAsItIsSaid(t *testing.T) {
	t.Parallel()
	hanging := startGateway(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	run(t, "send", "--url", hanging.URL, "--timeout=50ms", "-").want(t, result{
		code: 1, stdout: "-  -    unanswered  no answer within 50ms\n", stderr: "sluice: the file was not answered 200\n",
	})
}

func TestConnectionThatBreaksIsNoAnswer(t *testing.T) {
	t.Parallel()
	breaking := startGateway(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000")
		_, _ = io.WriteString(w, `{"status":`)
		panic(http.ErrAbortHandler)
	})
	got := run(t, "send", "--url", breaking.URL, "-")
	got.fails(t, 1, "the file was not answered 200")
	if !strings.HasPrefix(got.stdout, "-  -    unanswered  ") {
		t.Errorf("standard output %q", got.stdout)
	}
}

func TestInterruptedSendingIsAFailure(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(testContext(t))
	g := startGateway(t, func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	})
	var stdout, stderr bytes.Buffer
	code := cli.Run(ctx, cli.Process{
		Args: []string{"send", "--url", g.URL, "-"}, Stdin: strings.NewReader("{}"), Stdout: &stdout, Stderr: &stderr,
	})
	if want := "-  -    unanswered  interrupted\n"; code != 1 || stdout.String() != want {
		t.Errorf("exit code %d, standard output %q, standard error %q", code, stdout.String(), stderr.String())
	}
}

func TestTokenComesFromWhereItIsSaid(t *testing.T) {
	t.Parallel()
	g := startGateway(t, storing())
	dir, tokens := g.withFolder(t), writeFile(t, "tokens", "\ufeff# old and new\n\n  file-token  \nold-token\n")
	for name, test := range map[string]struct {
		flags, environ []string
		want           string
	}{
		"data folder":                     {[]string{"--data", dir}, nil, `["Bearer made-token"]`},
		"variable for data folder":        {nil, []string{"SLUICE_DATA=" + dir}, `["Bearer made-token"]`},
		"variable":                        {[]string{"--data", dir}, []string{"SLUICE_TOKEN=variable-token\n"}, `["Bearer variable-token"]`},
		"file":                            {[]string{"--data", dir, "--token-file", tokens}, []string{"SLUICE_TOKEN=variable-token"}, `["Bearer file-token"]`},
		"variable with URL":               {[]string{"--url", g.URL}, []string{"SLUICE_TOKEN=variable-token", "SLUICE_DATA=" + dir}, `["Bearer variable-token"]`},
		"none of the folder's with a URL": {[]string{"--url", g.URL}, []string{"SLUICE_DATA=" + dir}, `[]`},
		"source without one":              {[]string{"--data", dir, "--source=open"}, nil, `[]`},
	} {
		t.Run(name, func(t *testing.T) {
			body := writeFile(t, "body.json", name)
			got := typed{args: append([]string{"send", body}, test.flags...), environ: test.environ}.run(t)
			got.fails(t, 0)
			if request := g.requests[len(g.requests)-1]; !strings.HasSuffix(request, " "+test.want+" "+name) {
				t.Errorf("request %q, want %s", request, test.want)
			}
		})
	}
}

func TestMissingTokenIsHintedAt(t *testing.T) {
	t.Parallel()
	g := startGateway(t, answering(401, `{"code":"unauthorized","message":"Send the token."}`))
	run(t, "send", "--url", g.URL, "-").fails(t, 1, "sluice: no token was sent; set SLUICE_TOKEN or name a file with --token-file\n")
}

func TestNothingIsSentWhenSomethingIsMissing(t *testing.T) {
	t.Parallel()
	g := startGateway(t, storing())
	dir, empty, good := g.withFolder(t), t.TempDir(), writeFile(t, "good.json", "{}")
	for name, test := range map[string]struct {
		args []string
		says string
	}{
		"files": {
			[]string{"--data", dir, good, "nowhere.json", empty, "-", "-"},
			"sluice: there is no file or folder \"nowhere.json\"\nsluice: folder \"" + empty + "\" has no *.json files\n" +
				"sluice: standard input can be sent once only\n",
		},
		"source":      {[]string{"--data", dir, "--source=shop", good}, "has no source \"shop\"; it has green-api, open\n"},
		"data folder": {[]string{"--data", empty, good}, "sluice: no sluice has run with " + empty + "; start one with `sluice up`, or say --url URL\n"},
		"token file":  {[]string{"--data", dir, "--token-file=nowhere", good}, "sluice: read token: open nowhere: no such file or directory\n"},
		"token":       {[]string{"--data", dir, "--token-file", writeFile(t, "none", "# none\n"), good}, "has none in it\n"},
	} {
		got := run(t, append([]string{"send"}, test.args...)...)
		got.fails(t, 1, test.says)
		if got.stdout != "" {
			t.Errorf("%s: standard output %q", name, got.stdout)
		}
	}
	if len(g.requests) > 0 {
		t.Errorf("requests %q", g.requests)
	}
}

func TestAllIsSentThoughNobodyReadsTheAnswers(t *testing.T) {
	t.Parallel()
	g := startGateway(t, storing())
	first, second := writeFile(t, "1.json", "1"), writeFile(t, "2.json", "2")
	var stderr bytes.Buffer
	code := cli.Run(testContext(t), cli.Process{
		Args: []string{"send", "--url", g.URL, first, second}, Stdout: goneReader(t), Stderr: &stderr,
	})
	if code != 0 || stderr.Len() > 0 || len(g.requests) != 2 {
		t.Errorf("exit code %d, standard error %q, requests %q", code, stderr.String(), g.requests)
	}
}

func TestTokenFileThatEverybodyCanReadIsWarnedOf(t *testing.T) {
	t.Parallel()
	g := startGateway(t, storing())
	file := writeFile(t, "token", "the-token")
	for mode, warns := range map[os.FileMode]bool{0o644: true, 0o600: false} {
		if err := os.Chmod(file, mode); err != nil {
			t.Fatal(err)
		}
		got := run(t, "send", "--url", g.URL+"/green-api/webhook", "--token-file", file, writeFile(t, "call.json", "{}"))
		if says := strings.Contains(got.stderr, "can be read or written by others"); got.code != 0 || says != warns {
			t.Errorf("mode %o: %+v", mode, got)
		}
	}
}
