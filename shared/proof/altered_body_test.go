package proof_test

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"sluice.internal/shared/proof"
	"sluice.internal/shared/source"
)

// worstBodies are bodies of a size whose diagnosis, display or reading costs the most for their bytes.
func worstBodies(size int) map[string]string {
	fill := func(head, item, tail string) string {
		return head + strings.TrimSuffix(strings.Repeat(item, max((size-len(head)-len(tail))/len(item), 1)), ",") + tail
	}
	nested := func(depth int) string { return strings.Repeat("[", depth) + strings.Repeat("]", depth) }
	// 100 MiB of zeros in 100 parts, each of which need not be packed anew.
	var part bytes.Buffer
	writer := gzip.NewWriter(&part)
	_, _ = writer.Write(make([]byte, 1<<20))
	_ = writer.Close()
	packed := strings.Repeat(part.String(), 100)
	names := &strings.Builder{}
	for i := 0; names.Len() < size-20; i++ {
		names.WriteString(`"` + strconv.Itoa(i*7919) + `":0,`)
	}
	return map[string]string{
		"nested once":              nested(size / 2),
		"nested 9,990 levels":      nested(min(9990, size/2)),
		"siblings of 9,990 levels": fill(`[`, nested(min(9990, size/4))+`,`, `]`),
		"siblings of 256 levels":   fill(`[`, nested(255)+`,`, `]`),
		"siblings of 64 levels":    fill(`[`, nested(63)+`,`, `]`),
		"objects in objects":       strings.Repeat(`{"":`, size/6) + `0` + strings.Repeat(`}`, size/6),
		"small objects":            fill(`[`, `{"":0},`, `]`),
		"empty arrays":             fill(`[`, `[],`, `]`),
		"digits":                   fill(`[`, `0,`, `]`),
		"names out of order":       `{` + strings.TrimSuffix(names.String(), ",") + `}`,
		"a name again and again":   fill(`{`, `"a":0,`, `}`),
		"what HTML escapes":        fill(`{"x":"`, `<`, `"}`),
		"escapes":                  fill(`{"x":"`, `\u0000`, `"}`),
		"line ends":                fill(``, "\r\n", ``),
		"white space":              fill(`[`, ` `, `]`),
		"cut off":                  strings.Repeat(`[{"a":`, size/6),
		"a packed bomb":            packed[:min(len(packed), size)],
	}
}

// A stranger decides about the body that is diagnosed, and its diagnosis must not cost more than a little. Not parallel:
// it measures what the whole process allocates.
//
//nolint:paralleltest // See above.
func TestDiagnosisOfNoBodyTakesMuchMemory(t *testing.T) {
	github, err := proof.NewVerifier(source.Providers()["github"].Proof, proof.Secret{Text: secret})
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range []int{8 << 10, 32 << 10, proof.MaxDiagnosedBody} {
		for name, body := range worstBodies(size) {
			request := &proof.Request{
				Header: http.Header{"X-Hub-Signature-256": {"sha256=" + strings.Repeat("0", 64)}}, Body: []byte(body), At: now,
			}
			var refusal *proof.Refusal
			allocated := allocatedBy(func() { refusal = github.Diagnose(request, proof.Hints{}) })
			if allocated > maxDiagnosis {
				t.Errorf("%s of %d bytes: %d MB were allocated, at most %d may be", name, size, allocated>>20, maxDiagnosis>>20)
			}
			if refusal.Cause != proof.CauseWrongSecret {
				t.Errorf("%s of %d bytes: %+v", name, size, refusal)
			}
		}
	}
}

// maxDiagnosis is how many bytes one diagnosis may allocate.
const maxDiagnosis = 8 << 20

// allocatedBy returns how many bytes the process allocates while the function runs.
func allocatedBy(run func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	run()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}
