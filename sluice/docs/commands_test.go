package docs_test

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"sluice.internal/sluice/cli"
)

// sluice runs the command line and returns what it prints.
func sluice(t *testing.T, arguments ...string) string {
	t.Helper()
	var printed, failures bytes.Buffer
	code := cli.Run(t.Context(), cli.Process{Args: arguments, Stdout: &printed, Stderr: &failures})
	if code != 0 {
		t.Fatalf("sluice %q ends with %d: %s", arguments, code, failures.String())
	}
	return printed.String()
}

// A commandLine is what the help of a program says: the flags of each command. A group of commands, such as
// "sluice dead", has the flags of its listing.
type commandLine map[string][]string

var (
	helpCommand  = regexp.MustCompile(`(?m)^  ([a-z-]+(?: [a-z-]+)?)   `)
	separator    = regexp.MustCompile(`&&|\|\||[|;]`)
	flagName     = regexp.MustCompile(`^--?[a-z]`)
	comment      = regexp.MustCompile(`(?m)(?:^|\s)#.*$`)
	indentedLine = regexp.MustCompile(`(?m)^    (.*)$`)
	helpFlag     = regexp.MustCompile(`(?m)^ +(?:-([a-z]), )?--([a-z-]+)`)
)

// sluiceCommands reads the help of all commands of sluice.
func sluiceCommands(t *testing.T) commandLine {
	t.Helper()
	overview := sluice(t, "--help")
	_, list, _ := strings.Cut(overview, "\nCommands:\n")
	commands := commandLine{"": flagsIn(overview)}
	for _, match := range helpCommand.FindAllStringSubmatch(list, -1) {
		name := match[1]
		commands[name] = flagsIn(sluice(t, append(strings.Fields(name), "--help")...))
		if group, sub, nested := strings.Cut(name, " "); nested && (sub == "ls" || commands[group] == nil) {
			commands[group] = commands[name]
		}
	}
	if len(commands) < 30 {
		t.Fatalf("found %d commands", len(commands))
	}
	return commands
}

func flagsIn(help string) []string {
	var flags []string
	for _, match := range helpFlag.FindAllStringSubmatch(help, -1) {
		flags = append(flags, "--"+match[2])
		if match[1] != "" {
			flags = append(flags, "-"+match[1])
		}
	}
	return flags
}

// service reads the help of the gateway or the worker.
func service(t *testing.T, name string) commandLine {
	t.Helper()
	help, err := goTool("run", "./"+name+"/cmd/"+name, "--help").Output()
	if err != nil {
		t.Fatalf("%s --help: %v", name, err)
	}
	return commandLine{"": flagsIn(string(help))}
}

// programs returns the command lines of all programs. They are asked once, because the services are linked for it.
func programs(t *testing.T) map[string]commandLine {
	t.Helper()
	asked.Do(func() {
		known = map[string]commandLine{
			"sluice": sluiceCommands(t), "gateway": service(t, "gateway"), "worker": service(t, "worker"),
		}
	})
	if known == nil {
		t.Fatal("the programs could not be asked")
	}
	return known
}

var (
	asked sync.Once
	known map[string]commandLine
)

func TestCommandsAndFlagsExist(t *testing.T) {
	t.Parallel()
	programs := programs(t)
	for _, document := range documents(t) {
		for _, typed := range document.typed() {
			program, found := programs[typed[0]]
			if !found {
				continue
			}
			for _, fault := range program.check(typed[1:]) {
				t.Errorf("%s: %s: %s", document.name, strings.Join(typed, " "), fault)
			}
		}
	}
}

// typed returns the command lines in a document, in code and in blocks of shell: the name of a program of ours without
// its folder, and its arguments.
func (d document) typed() [][]string {
	lines := d.spans()
	for _, block := range append(d.blocks("sh"), d.indented()...) {
		lines = append(lines, strings.Split(withoutComments(strings.ReplaceAll(block, "\\\n", " ")), "\n")...)
	}
	var all [][]string
	for _, line := range lines {
		for _, command := range separator.Split(line, -1) {
			if words := program(strings.Fields(command)); len(words) > 0 {
				all = append(all, words)
			}
		}
	}
	return all
}

// program cuts what stands in front of a program of ours: variables, or a service of docker compose that runs it.
func program(words []string) []string {
	for len(words) > 0 && strings.Contains(words[0], "=") {
		words = words[1:]
	}
	line := strings.Join(words, " ")
	if _, arguments, found := strings.Cut(line, "docker compose run --rm "); found {
		return append([]string{"sluice"}, strings.Fields(arguments)[1:]...)
	}
	if len(words) > 0 {
		words[0] = strings.TrimPrefix(words[0], "bin/")
	}
	return words
}

// indented returns blocks that are indented instead of fenced.
func (d document) indented() []string {
	return indentedLine.FindAllString(d.prose(), -1)
}

// check returns what is wrong with the arguments of a program.
func (c commandLine) check(arguments []string) (faults []string) {
	name, rest := "", arguments
	for length := min(2, len(arguments)); length > 0; length-- {
		if candidate := strings.Join(arguments[:length], " "); c[candidate] != nil {
			name, rest = candidate, arguments[length:]
			break
		}
	}
	if name == "" && len(rest) > 0 && !strings.HasPrefix(rest[0], "-") {
		return []string{"there is no such command"}
	}
	for _, argument := range rest {
		flag, _, _ := strings.Cut(argument, "=")
		if flagName.MatchString(flag) && !slices.Contains(c[name], flag) {
			faults = append(faults, "there is no flag "+flag)
		}
	}
	return faults
}

// foreign are flags of other programs that the documents mention by themselves.
func foreign() []string { return []string{"--wait", "--volumes"} }

// A flag that is mentioned by itself belongs to one of the programs.
func TestMentionedFlagsExist(t *testing.T) {
	t.Parallel()
	flags := foreign()
	for _, program := range programs(t) {
		for _, of := range program {
			flags = append(flags, of...)
		}
	}
	for _, document := range documents(t) {
		for _, span := range document.spans() {
			for _, word := range strings.Fields(span) {
				flag, _, _ := strings.Cut(word, "=")
				if strings.HasPrefix(span, "--") && strings.HasPrefix(flag, "--") && !slices.Contains(flags, flag) {
					t.Errorf("%s: no program has the flag %s", document.name, flag)
				}
			}
		}
	}
}

// withoutComments takes the comments out of a block of shell.
func withoutComments(block string) string {
	return comment.ReplaceAllString(block, "")
}
