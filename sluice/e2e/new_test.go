//go:build e2e

package e2e_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"sluice.internal/shared/greenapi/mock"
)

// outside is a command in a folder that knows nothing of the workspace.
func outside(folder, name string, args ...string) *exec.Cmd {
	command := exec.Command(name, args...)
	command.Dir = folder
	command.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=")
	return command
}

// succeed runs a command and returns what it printed.
func succeed(t *testing.T, command *exec.Cmd) string {
	t.Helper()
	output, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", command, err, output)
	}
	return string(output)
}

// written has `sluice new` write a module outside of the workspace.
func written(t *testing.T, args ...string) string {
	t.Helper()
	folder := filepath.Join(t.TempDir(), "shop")
	if out, code := sluice(t, append([]string{"new", folder}, args...)...); code != 0 || !strings.Contains(out, "make check") {
		t.Fatalf("exit code %d:\n%s", code, out)
	}
	return folder
}

// A stranger has Go, a checkout and an empty folder.
func TestModuleOfOnesOwnIsBuiltTestedAndRunAsAStrangerWould(t *testing.T) {
	t.Parallel()
	folder := written(t, "--sluice", root(t))
	if output, err := program(t, "sluice", "new", folder, "--sluice", root(t)).CombinedOutput(); err == nil || !strings.Contains(string(output), "is not empty") {
		t.Errorf("over what is there: %v:\n%s", err, output)
	}
	if unformatted := succeed(t, outside(folder, "gofmt", "-l", ".")); unformatted != "" {
		t.Errorf("not as gofmt writes it: %s", unformatted)
	}
	succeed(t, outside(folder, "go", "mod", "tidy", "-diff"))
	if out := succeed(t, outside(folder, "make", "check")); !strings.Contains(out, "ok  \texample.org/shop/handlers") {
		t.Errorf("checked: %s", out)
	}
	succeed(t, outside(folder, "make", "config"))

	api := mock.New(mock.Options{})
	account := api.Add("1101000001", accountToken)
	answering(t, folder, api)
	p := shopUp(t, folder)
	for range 2 { // As GREEN-API sends it again.
		succeed(t, outside(folder, "make", "send"))
	}
	p.waitFor("order paid")
	succeed(t, outside(folder, "bin/shop", "replay", "--group=default", "--all"))
	if events := succeed(t, outside(folder, "bin/shop", "events", "--json")); strings.Count(events, "\n") != 1 || strings.Contains(events, "faults\":[{") {
		t.Errorf("events %s", events)
	}
	p.waitForCount("order paid", 2)
	wantOneAnswer(t, account, p)
}

// accountToken is the apiTokenInstance of the shop's instance.
const accountToken = "d75b3a66374942c5b3c019c698abc2067e151558acbd412345"

// answering configures the shop to answer by a GREEN-API that only plays it.
func answering(t *testing.T, folder string, greenAPI http.Handler) {
	t.Helper()
	server := httptest.NewServer(greenAPI)
	t.Cleanup(server.Close)
	write(t, filepath.Join(folder, "token"), accountToken)
	write(t, filepath.Join(folder, "webhooks"), "the-token-of-the-webhooks-of-this-shop-is-long-enough")
	write(t, filepath.Join(folder, "sluice.yaml"), fmt.Sprintf("schemas_dir: schemas\nsettings: {shop: {thanks: Thank you!}}\n"+
		"sources: {green-api: {token_file: webhooks, instances: {\"1101000001\": {api_url: %q, token_file: token}}}}\n", server.URL))
}

// shopUp runs the shop.
func shopUp(t *testing.T, folder string) *process {
	t.Helper()
	p := runCommand(t, outside(folder, "bin/shop", "up", "--gateway-listen=127.0.0.1:0", "--nats-listen=127.0.0.1:0"))
	p.waitFor(ready)
	return p
}

// wantOneAnswer checks that the customer got one answer, and that nobody can read the token in what was printed.
func wantOneAnswer(t *testing.T, account *mock.Instance, printing ...*process) {
	t.Helper()
	if sent := account.Sent(); len(sent) != 1 || string(sent[0].Body) != `{"chatId":"79001234567@c.us","message":"Thank you!"}` {
		t.Errorf("answered %s", sent)
	}
	for _, p := range printing {
		if strings.Contains(p.printed(), accountToken) {
			t.Error("the token is in what was printed")
		}
	}
}

// killing is a GREEN-API that takes a message, and kills the process that sent it before it can be told so.
type killing struct {
	http.Handler
	victim chan *process // closed once it is killed
	once   sync.Once
}

func (k *killing) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	k.Handler.ServeHTTP(w, r)
	if strings.Contains(r.URL.Path, "/sendMessage/") {
		k.once.Do(func() {
			p := <-k.victim
			_ = syscall.Kill(-p.command.Process.Pid, syscall.SIGKILL)
			p.exit()
			close(k.victim)
		})
	}
}

// Whoever takes over does not know whether the answer went out, and neither sends it again nor counts it as sent until that can
// be found out.
func TestWorkerThatIsKilledBetweenSendingAndWritingThatDownAnswersOnce(t *testing.T) {
	t.Parallel()
	folder := written(t, "--sluice", root(t))
	succeed(t, outside(folder, "go", "build", "-o", "bin/shop", "."))
	api := mock.New(mock.Options{})
	account := api.Add("1101000001", accountToken)
	k := &killing{Handler: api, victim: make(chan *process)}
	answering(t, folder, k)
	first := shopUp(t, folder)
	succeed(t, outside(folder, "bin/shop", "send", "order_paid.json"))
	k.victim <- first
	<-k.victim
	second := shopUp(t, folder)
	second.waitFor("whether a message went out whose worker ended can't be found out yet")
	wantOneAnswer(t, account, first, second)
}

// waitForCount waits until the program has printed the text so often.
func (p *process) waitForCount(text string, count int) {
	p.t.Helper()
	for deadline := time.Now().Add(timeout); strings.Count(p.printed(), text) < count; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			p.t.Fatalf("did not print %q %d times:\n%s", text, count, p.printed())
		}
	}
}

// Who has the copy needs neither the checkout nor a proxy.
func TestModuleOfOnesOwnIsBuiltFromACopyOfSluice(t *testing.T) {
	t.Parallel()
	folder := written(t, "--sluice", root(t))
	succeed(t, outside(folder, "make", "vendor"))
	elsewhere := filepath.Join(t.TempDir(), "so", "deep", "that", "no", "checkout", "is", "there")
	if err := os.CopyFS(elsewhere, os.DirFS(folder)); err != nil {
		t.Fatal(err)
	}
	build := outside(elsewhere, "go", "build", "-o", "bin/", "./worker")
	build.Env = append(build.Env, "GOPROXY=off", "GOFLAGS=-mod=vendor")
	succeed(t, build)
}

// A fork has a name that others can fetch it by. Here git is told that it is in a folder.
func TestModuleOfOnesOwnIsBuiltFromAForkUnderAnotherName(t *testing.T) {
	t.Parallel()
	const fork, version = "example.org/fork.git", "v0.1.0"
	clone := filepath.Join(t.TempDir(), "clone")
	succeed(t, exec.Command("git", "clone", "--quiet", root(t), clone))
	tags := succeed(t, outside(clone, "make", "--no-print-directory", "module-path", "MODULE="+fork, "VERSION="+version))
	const former = "sluice" + ".internal"
	for file := range strings.Lines(succeed(t, outside(clone, "git", "grep", "-I", "--files-with-matches", former))) {
		text, err := os.ReadFile(filepath.Join(clone, strings.TrimSpace(file)))
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(strings.ReplaceAll(string(text), "//"+former, ""), former) { // Ids of schemas stay.
			t.Errorf("the name is still in %s", file)
		}
	}
	if unformatted := succeed(t, outside(clone, "gofmt", "-l", "gateway", "receiver", "schemas", "shared", "sluice", "worker")); unformatted != "" {
		t.Errorf("not as gofmt writes it: %s", unformatted)
	}
	succeed(t, outside(clone, "git", "-c", "user.name=me", "-c", "user.email=me@example.org", "commit", "--quiet", "--all", "--message=A fork"))
	count := 0
	for line := range strings.Lines(tags) {
		if tag, ok := strings.CutPrefix(strings.TrimSpace(line), "git tag "); ok {
			succeed(t, outside(clone, "git", "tag", tag))
			count++
		}
	}
	if count < 7 {
		t.Errorf("tags: %s", tags)
	}
	folder := written(t, "--fork", fork+"@"+version)
	cache := strings.TrimSpace(succeed(t, outside(folder, "go", "env", "GOMODCACHE")))
	proxy := strings.TrimSpace(succeed(t, outside(folder, "go", "env", "GOPROXY")))
	for _, args := range [][]string{{"mod", "tidy"}, {"vet", "./handlers", "./worker"}, {"test", "./handlers"}} {
		command := outside(folder, "go", args...)
		command.Env = append(command.Env,
			// What others have published is there already; the fork goes nowhere else.
			"GOMODCACHE="+filepath.Join(filepath.Dir(clone), "modules"), "GOPROXY=file://"+filepath.ToSlash(cache)+"/cache/download,"+proxy,
			"GOPRIVATE=example.org", "GOFLAGS=-modcacherw -trimpath",
			"GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=url.file://"+clone+".insteadOf", "GIT_CONFIG_VALUE_0=https://"+strings.TrimSuffix(fork, ".git"),
		)
		succeed(t, command)
	}
}
