package docs_test

import (
	"regexp"
	"strings"
	"testing"
)

// A row of the table of promises has its number, its anchor, its text and its tests.
var promiseRow = regexp.MustCompile(`(?m)^\| (\d+) \| <a id="([a-z]+)"></a>(.*) \| (.*) \|$`)

func TestEveryPromiseIsHeldByATest(t *testing.T) {
	t.Parallel()
	promises := promiseRow.FindAllStringSubmatch(read(t, "docs/promises.md"), -1)
	if len(promises) < 11 {
		t.Fatalf("docs/promises.md has %d promises", len(promises))
	}
	for _, promise := range promises {
		if !testName.MatchString(promise[4]) {
			t.Errorf("promise %s names no test", promise[1])
		}
	}
}

func TestReadmePromisesWhatIsHeld(t *testing.T) {
	t.Parallel()
	section := open(t, "README.md").section(t, "## Promises")
	promises := promiseRow.FindAllStringSubmatch(read(t, "docs/promises.md"), -1)
	for _, promise := range promises {
		if !strings.Contains(section, "(docs/promises.md#"+promise[2]+")") {
			t.Errorf("the README does not have promise %s, #%s", promise[1], promise[2])
		}
	}
	if listed := regexp.MustCompile(`(?m)^\d+\. `).FindAllString(section, -1); len(listed) != len(promises) {
		t.Errorf("the README lists %d promises, docs/promises.md has %d", len(listed), len(promises))
	}
}
