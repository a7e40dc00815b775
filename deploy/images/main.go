// Command images writes the digests of the images that Sluice is built from and runs with, as their registries have them
// now, into deploy/images.env and into every file that names such an image.
//
//	go run . ../..
//
// A tag can be moved to another image; a digest can't. It ends with 2, and has changed nothing, when a registry did not
// answer: nothing is known about the digests then.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"regexp"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

const (
	exitFailed    = 1
	exitNoAnswer  = 2
	askingTimeout = time.Minute
)

// list is the file with all images, the only one that is edited by hand: to change a tag, change it there.
const list = "deploy/images.env"

// named are the files that name images, as patterns.
func named() []string {
	return []string{"docker-compose.yml", "Dockerfile", "deploy/kubernetes/*.yaml", "sluice/scaffold/module/Dockerfile.tmpl"}
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	if len(args) != 1 {
		fmt.Fprintln(stderr, "usage: images ROOT")
		return exitNoAnswer
	}
	ctx, cancel := context.WithTimeout(ctx, askingTimeout)
	defer cancel()
	err := refresh(ctx, args[0], stdout)
	var silent *silentError
	switch {
	case errors.As(err, &silent):
		fmt.Fprintf(stderr, "images: %v; nothing was changed\n", err)
		return exitNoAnswer
	case err != nil:
		fmt.Fprintf(stderr, "images: %v\n", err)
		return exitFailed
	}
	return 0
}

// silentError says that a registry could not be asked. One that answers and has no such image is another matter.
type silentError struct {
	registry string
	cause    error
}

func (e *silentError) Error() string {
	return fmt.Sprintf("registry %s can't be reached, so the digests are not known: %v", e.registry, e.cause)
}

func (e *silentError) Unwrap() error { return e.cause }

// An image is a line of the list: the variable, and the image as name:tag, with or without @digest.
type image struct{ variable, tagged, digest string }

func (i image) reference() string {
	if i.digest == "" {
		return i.tagged
	}
	return i.tagged + "@" + i.digest
}

var entry = regexp.MustCompile(`^([A-Z_]+)=([^\s@]+:[\w][\w.-]*)(?:@(sha256:[0-9a-f]{64}))?$`)

// read reads the list.
func read(root fs.FS) (text string, images []image, err error) {
	content, err := fs.ReadFile(root, list)
	if err != nil {
		return "", nil, err
	}
	for line := range strings.Lines(string(content)) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		found := entry.FindStringSubmatch(line)
		if found == nil {
			return "", nil, fmt.Errorf("read %s: %q is no VARIABLE=name:tag, with or without @sha256:…", list, line)
		}
		images = append(images, image{variable: found[1], tagged: found[2], digest: found[3]})
	}
	if len(images) == 0 {
		return "", nil, fmt.Errorf("read %s: there are no images in it", list)
	}
	return string(content), images, nil
}

// refresh asks for all digests first and writes then, so that an answer that is missing leaves everything as it was.
func refresh(ctx context.Context, dir string, stdout io.Writer) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	text, images, err := read(root.FS())
	if err != nil {
		return err
	}
	for i := range images {
		if images[i].digest, err = digest(ctx, images[i].tagged); err != nil {
			return err
		}
	}
	if err := write(root, list, text, images); err != nil {
		return err
	}
	for _, pattern := range named() {
		files, err := fs.Glob(root.FS(), pattern)
		if err != nil {
			return err
		}
		for _, file := range files {
			content, err := root.ReadFile(file)
			if err != nil {
				return err
			}
			if err := write(root, file, string(content), images); err != nil {
				return err
			}
		}
	}
	for _, image := range images {
		fmt.Fprintf(stdout, "%s=%s\n", image.variable, image.reference())
	}
	return nil
}

// digest asks the registry what a tag is now: the list of the image for all platforms, where there is one.
func digest(ctx context.Context, tagged string) (string, error) {
	tag, err := name.NewTag(tagged)
	if err != nil {
		return "", fmt.Errorf("read image %q: %w", tagged, err)
	}
	found, err := remote.Head(tag, remote.WithContext(ctx), remote.WithAuthFromKeychain(authn.DefaultKeychain))
	var refused *transport.Error
	if errors.As(err, &refused) {
		return "", fmt.Errorf("ask for image %q: %w", tagged, err)
	}
	if err != nil {
		return "", &silentError{registry: tag.RegistryStr(), cause: err}
	}
	return found.Digest.String(), nil
}

// write replaces each image in a file, whatever its tag and digest there, by what the list says.
func write(root *os.Root, file, content string, images []image) error {
	text := content
	for _, image := range images {
		text = mention(image).ReplaceAllString(text, "${1}"+image.reference())
	}
	if text == content {
		return nil
	}
	info, err := root.Stat(file)
	if err != nil {
		return err
	}
	next := file + ".new"
	if err := root.WriteFile(next, []byte(text), info.Mode().Perm()); err != nil {
		return err
	}
	return root.Rename(next, file)
}

// mention is where a file names an image with a tag.
func mention(i image) *regexp.Regexp {
	untagged := i.tagged[:strings.LastIndex(i.tagged, ":")]
	return regexp.MustCompile(`(^|[\s"'=-])` + regexp.QuoteMeta(untagged) + `:[\w][\w.-]*(?:@sha256:[0-9a-f]{64})?`)
}
