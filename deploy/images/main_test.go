package main

import (
	"bytes"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// root is the root of the repository, through a link: Go's cache of test results looks only at files within the module.
const root = "testdata/root"

// The names that images have in the files that are shipped come from the list: whoever refreshes it refreshes all.
func TestEveryImageComesFromTheList(t *testing.T) {
	t.Parallel()
	images := listed(t)
	// What is built here has the version for a tag, and an image of nothing is none.
	ours := regexp.MustCompile(`^sluice(-gateway|-poller|-receiver|-worker)?:`)
	known := map[string]bool{}
	for _, image := range images {
		known[image.reference()] = true
		if _, err := name.NewTag(image.tagged); err != nil {
			t.Error(err)
		}
	}
	used := map[string]bool{}
	for _, pattern := range named() {
		files, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil || len(files) == 0 {
			t.Fatalf("files %v, error %v", files, err)
		}
		for _, file := range files {
			for _, reference := range references(content(t, file)) {
				if used[reference] = true; !known[reference] && !ours.MatchString(reference) {
					t.Errorf("%s names %s, which %s does not have: run make images", file, reference, list)
				}
			}
		}
	}
	for _, image := range images {
		if !used[image.reference()] {
			t.Errorf("nothing uses %s", image.variable)
		}
	}
}

// references are the images that a file names: of services and containers, and what a Dockerfile begins with.
func references(text string) (found []string) {
	stages := map[string]bool{"scratch": true}
	for _, match := range regexp.MustCompile(`(?m)^\s*(?:-\s+)?(?:image:|FROM|ARG [A-Z_]*IMAGE=)\s*(\S+)(?:\s+AS\s+(\S+))?`).FindAllStringSubmatch(text, -1) {
		reference := match[1]
		// ${SLUICE_NATS_IMAGE:-nats:1}: what it is where nobody says otherwise.
		if _, after, ok := strings.Cut(reference, "_IMAGE:-"); ok {
			reference = strings.TrimSuffix(after, "}")
		}
		reference = strings.TrimSuffix(reference, ":${SLUICE_VERSION")
		if !stages[reference] && !strings.HasPrefix(reference, "${") {
			found = append(found, reference)
		}
		if match[2] != "" {
			stages[match[2]] = true
		}
	}
	return found
}

// Commands in the documents, and tests of them, name images by tag alone, for people to read.
func TestDocumentsNameTheTagsOfTheList(t *testing.T) {
	t.Parallel()
	images := listed(t)
	var files []string
	for _, pattern := range []string{"docs/*.md", "*.md", "sluice/e2e/*.go"} {
		found, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil || len(found) == 0 {
			t.Fatalf("files %v, error %v", found, err)
		}
		files = append(files, found...)
	}
	for _, file := range files {
		text := content(t, file)
		for _, image := range images {
			for _, found := range mention(image).FindAllString(text, -1) {
				if strings.Trim(found, " \n\"'=-`") != image.tagged && strings.Contains(found, "alpine") {
					t.Errorf("%s names %s, the list %s", file, found, image.tagged)
				}
			}
		}
	}
}

// listed are the images of the shipped list.
func listed(t *testing.T) []image {
	t.Helper()
	_, images, err := read(os.DirFS(root))
	if err != nil {
		t.Fatal(err)
	}
	return images
}

func content(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// project is a root with files that name images of a registry, with and without digests.
func project(t *testing.T, host string) (dir string, files []string) {
	t.Helper()
	dir = t.TempDir()
	texts := map[string]string{
		list:                          "# Images.\nSLUICE_NATS_IMAGE=" + host + "/nats:2-alpine\nSLUICE_GO_IMAGE=" + host + "/golang:1-alpine@sha256:" + strings.Repeat("0", 64) + "\n",
		"docker-compose.yml":          "image: ${SLUICE_NATS_IMAGE:-" + host + "/nats:1-alpine}\n# nats:2 is no image of the list.\n",
		"Dockerfile":                  "ARG GO_IMAGE=" + host + "/golang:1-alpine@sha256:" + strings.Repeat("1", 64) + "\nFROM ${GO_IMAGE} AS build\n",
		"deploy/kubernetes/nats.yaml": "  image: " + host + "/nats:2-alpine\n",
	}
	for file, text := range texts {
		path := filepath.Join(dir, file)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		files = append(files, path)
	}
	return dir, files
}

func TestDigestsAreWrittenWhereverAnImageIsNamed(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(registry.New(registry.Logger(slog.NewLogLogger(slog.DiscardHandler, slog.LevelError))))
	t.Cleanup(server.Close)
	host := strings.TrimPrefix(server.URL, "http://")
	digests := map[string]string{}
	for _, tagged := range []string{"nats:2-alpine", "golang:1-alpine"} {
		index, err := random.Index(64, 1, 2)
		if err != nil {
			t.Fatal(err)
		}
		tag, err := name.NewTag(host + "/" + tagged)
		if err != nil {
			t.Fatal(err)
		}
		if err := remote.WriteIndex(tag, index); err != nil {
			t.Fatal(err)
		}
		hash, err := index.Digest()
		if err != nil {
			t.Fatal(err)
		}
		digests[tagged] = host + "/" + tagged + "@" + hash.String()
	}
	dir, _ := project(t, host)
	var stdout, stderr bytes.Buffer
	if code := run(t.Context(), []string{dir}, &stdout, &stderr); code != 0 {
		t.Fatalf("exit code %d: %s", code, &stderr)
	}
	nats, golang := digests["nats:2-alpine"], digests["golang:1-alpine"]
	for file, want := range map[string]string{
		list:                          "# Images.\nSLUICE_NATS_IMAGE=" + nats + "\nSLUICE_GO_IMAGE=" + golang + "\n",
		"docker-compose.yml":          "image: ${SLUICE_NATS_IMAGE:-" + nats + "}\n# nats:2 is no image of the list.\n",
		"Dockerfile":                  "ARG GO_IMAGE=" + golang + "\nFROM ${GO_IMAGE} AS build\n",
		"deploy/kubernetes/nats.yaml": "  image: " + nats + "\n",
	} {
		if got := content(t, filepath.Join(dir, file)); got != want {
			t.Errorf("%s is\n%swant\n%s", file, got, want)
		}
	}
	if want := "SLUICE_NATS_IMAGE=" + nats + "\nSLUICE_GO_IMAGE=" + golang + "\n"; stdout.String() != want {
		t.Errorf("printed %s", &stdout)
	}
}

func TestLineThatIsNoImageIsNamed(t *testing.T) {
	t.Parallel()
	for _, line := range []string{"nats:2", "SLUICE_NATS_IMAGE=nats", "SLUICE_NATS_IMAGE=nats:2@sha256:abc", "SLUICE_NATS_IMAGE=127.0.0.1:5000/nats"} {
		dir, files := project(t, "127.0.0.1:1")
		for _, file := range files {
			if strings.HasSuffix(file, list) {
				if err := os.WriteFile(file, []byte(line+"\n"), 0o600); err != nil {
					t.Fatal(err)
				}
			}
		}
		var stdout, stderr bytes.Buffer
		if code := run(t.Context(), []string{dir}, &stdout, &stderr); code != exitFailed || !strings.Contains(stderr.String(), line) {
			t.Errorf("%q: exit code %d, error %q", line, code, &stderr)
		}
	}
}

func TestRegistryThatDoesNotAnswerIsNoSuccessAndChangesNothing(t *testing.T) {
	t.Parallel()
	empty := httptest.NewServer(registry.New(registry.Logger(slog.NewLogLogger(slog.DiscardHandler, slog.LevelError))))
	t.Cleanup(empty.Close)
	gone := httptest.NewServer(nil)
	gone.Close()
	tests := map[string]struct {
		url, says string
		code      int
	}{
		"does not answer":        {url: gone.URL, says: "can't be reached, so the digests are not known", code: exitNoAnswer},
		"does not have an image": {url: empty.URL, says: "ask for image", code: exitFailed},
	}
	for what, test := range tests {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			dir, files := project(t, strings.TrimPrefix(test.url, "http://"))
			before := map[string]string{}
			for _, file := range files {
				before[file] = content(t, file)
			}
			var stdout, stderr bytes.Buffer
			code := run(t.Context(), []string{dir}, &stdout, &stderr)
			if code != test.code || !strings.Contains(stderr.String(), test.says) || stdout.Len() > 0 {
				t.Errorf("exit code %d, output %q, error %q", code, &stdout, &stderr)
			}
			for _, file := range files {
				if content(t, file) != before[file] {
					t.Errorf("%s was changed", file)
				}
			}
		})
	}
}
