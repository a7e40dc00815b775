package docs_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
)

// A recipe is a file of the project with its name in front of it. A name without a folder is none of the project's.
var recipe = regexp.MustCompile("(?s)\n`([a-z_/A-Z-]+/[a-z_A-Z-]+\\.(?:go|json))`:\n\n```[a-z]+\n(.*?)```")

// The recipes are laid over the project's own tree. A program is laid over it by itself, since nothing else has to be
// compiled again for it. The others are compiled into the three packages that they change, with the tests that a reader
// would look at first: the schema and its example, the handler to the schema, the provider. The test in testdata sends a
// request to a source of the new provider.
func TestRecipesWork(t *testing.T) {
	t.Parallel()
	held := []string{
		"TestEveryFileIsASchemaOfDraft2020", "TestEveryExampleInASchemaIsAcceptedByIt", "TestEveryHandlerHasASchemaAndEverySchemaAHandler",
		"TestEveryProviderIsConfiguredByItsSecretAlone", "TestProviderOfTheRecipeTakesNotifications",
	}
	folder := t.TempDir()
	replaced := recipes(t, folder)
	program := overlay(t, folder, func(name string) bool { return strings.Contains(name, "/cmd/") }, replaced)
	parts := overlay(t, folder, func(name string) bool { return !strings.Contains(name, "/cmd/") }, replaced)
	// The exported names of a package are known once it is compiled; nothing is linked for them.
	if output, err := goTool("list", "-export", program, "./worker/cmd/crm", "./examples/orders").CombinedOutput(); err != nil {
		t.Errorf("programs of the recipes: %v\n%s", err, output)
	}
	test := goTool("test", "-count=1", "-vet=off", "-v", parts, "-run", "^("+strings.Join(held, "|")+")$",
		"./schemas", "./worker/handler", "./shared/source")
	test.Env = append(os.Environ(), "RECIPE="+configuration(t, folder))
	output, err := test.CombinedOutput()
	if err != nil {
		t.Errorf("%s: %v\n%s", test, err, output)
	}
	for _, name := range held {
		if !strings.Contains(string(output), "--- PASS: "+name+" ") {
			t.Errorf("%s did not pass", name)
		}
	}
}

// recipes writes the files of the recipes, and returns for each name in the project the file with its content. An example that
// is in the project has to be there as the recipe has it.
func recipes(t *testing.T, folder string) map[string]string {
	t.Helper()
	files := map[string]string{"shared/source/recipe_test.go": filepath.Join("testdata", "recipe_test.go")}
	for _, document := range documents(t) {
		for _, recipe := range recipe.FindAllStringSubmatch(document.text, -1) {
			file := filepath.Join(folder, strings.ReplaceAll(recipe[1], "/", "-"))
			write(t, file, recipe[2])
			files[recipe[1]] = file
			if strings.HasPrefix(recipe[1], "examples/") && read(t, recipe[1]) != recipe[2] {
				t.Errorf("%s has another %s than the project", document.name, recipe[1])
			}
		}
	}
	if len(files) != 6 {
		t.Fatalf("found %d files in the recipes, want 6 with their test", len(files))
	}
	return files
}

// overlay returns the flag by which Go finds the wanted ones of the files.
func overlay(t *testing.T, folder string, wanted func(name string) bool, files map[string]string) string {
	t.Helper()
	replaced := map[string]string{}
	for name, file := range files {
		if wanted(name) {
			replaced[absolute(t, filepath.Join("..", "..", name))] = absolute(t, file)
		}
	}
	content, err := json.Marshal(map[string]any{"Replace": replaced})
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.CreateTemp(folder, "overlay-*.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	write(t, file.Name(), string(content))
	return "-overlay=" + file.Name()
}

func absolute(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(name)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func write(t *testing.T, file, content string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// configuration writes that of the recipe for a provider, with its secret, and returns the file.
func configuration(t *testing.T, folder string) string {
	t.Helper()
	senders := open(t, "docs/senders.md")
	senders.text = senders.section(t, "## Add a provider")
	blocks := senders.blocks("yaml")
	if len(blocks) != 1 {
		t.Fatalf("found %d configurations, want 1", len(blocks))
	}
	secret, file := filepath.Join(folder, "secret"), filepath.Join(folder, "sluice.yaml")
	write(t, secret, "a-secret-of-this-source\n")
	write(t, file, regexp.MustCompile(`/run/secrets/[a-z]+`).ReplaceAllString(blocks[0], secret))
	return file
}

// goTool runs a command of Go at the top of the project. It builds with the race detector if this test was built so, since
// everything is then built with it already.
func goTool(name string, arguments ...string) *exec.Cmd {
	if built, ok := debug.ReadBuildInfo(); ok && slices.Contains(built.Settings, debug.BuildSetting{Key: "-race", Value: "true"}) {
		arguments = append([]string{"-race"}, arguments...)
	}
	command := exec.Command("go", append([]string{name}, arguments...)...)
	command.Dir = "../.." // Go would take modules in the link for others.
	return command
}
