package simulate_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"sluice.internal/sluice/ledger"
	"sluice.internal/sluice/simulate"
)

func TestWhatIsNotAnswered200IsSentAgainUnchangedAfterAPause(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		answers := []int{503, 201, 204, 302, 308, 401, 0, 200, 200}
		to := &receiver{answer: func(_ context.Context, number int) (*http.Response, error) {
			if answers[number] == 0 {
				return nil, errRefused
			}
			return respond(answers[number], `{"code":"word","message":"A sentence."}`), nil
		}}
		summary, entries := run(t, simulate.Settings{Instances: 1, Count: 2}, to)
		if len(to.requests) != len(answers) || len(entries) != len(answers) {
			t.Fatalf("%d requests, %d entries", len(to.requests), len(entries))
		}
		for i, entry := range entries[:8] {
			want := entries[0] // the type, the chat, the body and so on
			want.At, want.Number, want.Attempt, want.Status = entries[0].At.Add(time.Duration(i)*time.Minute), 1, i+1, answers[i]
			want.Code, want.Receipt, want.Error = told(answers[i])
			if entry != want || !entry.At.Equal(to.requests[i].at) || to.requests[i].body != to.requests[0].body {
				t.Errorf("attempt %d: %+v\nwant %+v", i+1, entry, want)
			}
		}
		if second := entries[8]; second.Number != 2 || second.Attempt != 1 || to.requests[8].body == to.requests[0].body {
			t.Errorf("second notification: %+v", second)
		}
		want := simulate.Progress{Notifications: 2, Accepted: 2, Attempts: 9, Resent: 7, Answered200: 2, Others: 7}
		if summary.Progress != want || summary.LongestGap != 420 || len(summary.Outcomes) != 7 || summary.Err() != nil {
			t.Errorf("summary %+v, error %v", summary, summary.Err())
		}
	})
}

// told is what the ledger says about an answer of that status, 0 for none.
func told(status int) (code, receipt, message string) {
	switch status {
	case 0:
		return "", "", errRefused.Error()
	case http.StatusOK:
		return "", "17", ""
	default:
		return "word", "17", "A sentence."
	}
}

func TestAnswerIsWaitedForThreeMinutes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		to := &receiver{}
		to.answer = func(ctx context.Context, number int) (*http.Response, error) {
			if number == 0 {
				<-ctx.Done()
				return nil, ctx.Err()
			}
			return respond(200, ""), nil
		}
		summary, entries := run(t, simulate.Settings{Instances: 1, Count: 1}, to)
		if len(entries) != 2 || entries[0].Status != 0 || entries[0].Error != "no answer within 3m0s" || entries[0].Duration != 180_000 {
			t.Errorf("entries %+v", entries)
		}
		if again := to.requests[1].at.Sub(to.requests[0].at); again != 4*time.Minute || summary.LongestGap != 240 {
			t.Errorf("sent again after %s; summary %+v", again, summary)
		}
	})
}

func TestNotificationIsGivenUpAfterADay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		to := &receiver{answer: func(_ context.Context, number int) (*http.Response, error) {
			if number < 1440 {
				return respond(503, ""), nil
			}
			return respond(200, ""), nil
		}}
		summary, entries := run(t, simulate.Settings{Instances: 1, Count: 2}, to)
		for i, entry := range entries {
			if entry.Expired != (i == 1439) || (entry.Number == 1) != (i < 1440) {
				t.Fatalf("entry %d: %+v", i, entry)
			}
		}
		if summary.GivenUp != 1 || summary.Accepted != 1 || summary.Pending != 0 || summary.LongestGap != 86400 {
			t.Errorf("summary %+v", summary)
		}
		if err := summary.Err(); err == nil || err.Error() != "1 of 2 notifications given up: not answered 200 before they expired" {
			t.Errorf("error %v", err)
		}
	})
}

func TestWhatWaitedTooLongInTheQueueIsNeverSent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		to := &receiver{answer: func(context.Context, int) (*http.Response, error) {
			if time.Since(began) < 90*time.Minute {
				return respond(503, ""), nil
			}
			return respond(200, ""), nil
		}}
		settings := simulate.Settings{Instances: 1, Rate: 1, Duration: time.Minute, Expiry: time.Hour, Seed: 1}
		summary, entries := run(t, settings, to)
		unsent := 0
		for _, entry := range entries {
			if entry.Attempt == 0 {
				unsent++
				if !entry.Expired || entry.Status != 0 || entry.Error == "" {
					t.Errorf("entry %+v", entry)
				}
			}
		}
		if unsent < 30 || summary.GivenUp != summary.Notifications || summary.Attempts != len(to.requests) || summary.Accepted != 0 {
			t.Errorf("%d never sent; summary %+v", unsent, summary)
		}
	})
}

func TestSpeedDividesPauseAndExpiry(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		to := &receiver{answer: func(context.Context, int) (*http.Response, error) { return respond(500, ""), nil }}
		began := time.Now()
		summary, _ := run(t, simulate.Settings{Instances: 1, Count: 1, Speed: 60}, to)
		if took := time.Since(began); took != 24*time.Minute || summary.Attempts != 1440 || summary.GivenUp != 1 {
			t.Errorf("took %s; summary %+v", took, summary)
		}
	})
}

func TestEachInstanceHasOneNotificationUnderWay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		to := &receiver{answer: func(_ context.Context, number int) (*http.Response, error) {
			time.Sleep(time.Duration(number%7) * 100 * time.Millisecond)
			if number%5 == 0 {
				return respond(500, ""), nil
			}
			return respond(200, ""), nil
		}}
		_, entries := run(t, simulate.Settings{Instances: 5, Count: 50, Duplicates: 0.1}, to)
		seen := map[string]bool{}
		for _, entry := range entries {
			seen[entry.Instance] = true
		}
		if len(seen) != 5 {
			t.Fatalf("instances %v", seen)
		}
		for instance := range seen {
			last := ledger.Entry{Status: 200}
			for _, entry := range ofInstance(entries, instance) {
				end := last.At.Add(time.Duration(last.Duration * float64(time.Millisecond)))
				if entry.At.Before(end) {
					t.Errorf("%+v began before %+v ended", entry, last)
				}
				if next := entry.Number == last.Number+1 && entry.Attempt == 1; next && last.Status != 200 || !next && entry.Attempt != last.Attempt+1 {
					t.Errorf("%+v follows %+v", entry, last)
				}
				last = entry
			}
		}
	})
}

func TestInstanceSendsFiftyASecondAtMost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		to := &receiver{}
		summary, _ := run(t, simulate.Settings{Instances: 3, Duration: 10 * time.Second}, to)
		if summary.Notifications != 3*500 {
			t.Errorf("summary %+v", summary)
		}
	})
}

func TestRateIsOfAllInstancesTogether(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		to := &receiver{}
		summary, _ := run(t, simulate.Settings{Instances: 10, Rate: 100, Duration: 100 * time.Second, Seed: 7}, to)
		if summary.Notifications < 9700 || summary.Notifications > 10300 || summary.Queued != 0 {
			t.Errorf("summary %+v", summary)
		}
	})
}

// An instance that is done before the others has nothing left to send, whatever its clock says.
func TestCountEndsWhatComesIntoBeing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		summary, _ := run(t, simulate.Settings{Instances: 8, Rate: 100, Count: 50, Seed: 7}, &receiver{})
		if summary.Accepted != 8*50 || summary.Queued != 0 || summary.Err() != nil {
			t.Errorf("summary %+v", summary)
		}
	})
}

func TestQueueThatGrewInAnOutageIsSentAfterIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		to := &receiver{answer: func(context.Context, int) (*http.Response, error) {
			if at := time.Since(began); at > time.Minute && at < 9*time.Minute {
				return nil, errRefused
			}
			return respond(200, ""), nil
		}}
		summary, _ := run(t, simulate.Settings{Instances: 2, Rate: 4, Duration: 5 * time.Minute, Seed: 3}, to)
		if summary.Notifications < 1000 || summary.Accepted != summary.Notifications || summary.Seconds < 9*60 || summary.LongestGap < 8*60 {
			t.Errorf("summary %+v", summary)
		}
		if last := summary.Outcomes[0]; len(summary.Outcomes) != 1 || last.String() != "no answer: connection refused" || last.Count != summary.Resent {
			t.Errorf("outcomes %+v", summary.Outcomes)
		}
	})
}

func TestWithoutDrainingTheEndIsTheEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		to := &receiver{answer: func(context.Context, int) (*http.Response, error) {
			time.Sleep(7 * time.Second)
			return respond(500, ""), nil
		}}
		began := time.Now()
		settings := simulate.Settings{Instances: 2, Rate: 2, Duration: 70 * time.Second, NoDrain: true, Seed: 1}
		summary, entries := run(t, settings, to)
		// The second attempts are under way after 70 s, and are waited for.
		if took := time.Since(began); took < 70*time.Second || took > 80*time.Second || len(entries) != 4 {
			t.Errorf("took %s, entries %+v", took, entries)
		}
		if summary.Pending != 2 || summary.Queued < 100 || summary.Queued > 180 || summary.Err() == nil {
			t.Errorf("summary %+v", summary)
		}
		settings = simulate.Settings{Instances: 3, Count: 1, NoDrain: true}
		if summary, _ = run(t, settings, to); summary.Attempts != 3 || summary.Pending != 3 {
			t.Errorf("summary %+v", summary)
		}
	})
}

func TestInterruptedRunTellsWhatIsPending(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		to := &receiver{answer: func(ctx context.Context, number int) (*http.Response, error) {
			switch number {
			case 0, 1:
				return respond(200, ""), nil
			case 2:
				return respond(500, ""), nil // one pauses
			default:
				time.AfterFunc(time.Second, cancel)
				<-ctx.Done() // and one waits for its answer
				return nil, errors.New("aborted")
			}
		}}
		summary, entries := runUntil(ctx, t, simulate.Settings{Instances: 2}, to)
		last := map[string]ledger.Entry{}
		for _, entry := range entries {
			last[entry.Instance] = entry
		}
		errorsOf := map[string]bool{}
		for _, entry := range last {
			errorsOf[entry.Error] = true
			if entry.Status == 200 || entry.Expired {
				t.Errorf("last entry %+v", entry)
			}
		}
		if summary.Accepted != 2 || summary.Pending != 2 || !errorsOf["interrupted"] || len(last) != 2 {
			t.Errorf("summary %+v, entries %+v", summary, entries)
		}
	})
}

func TestSettingsThatCanNotBeMeantAreRefused(t *testing.T) {
	t.Parallel()
	for want, settings := range map[string]simulate.Settings{
		"url must be an address such as http://127.0.0.1:8080/green-api/webhook": {URL: "127.0.0.1"},
		"instances must be from 1 to 100000":                                     {URL: someURL, Instances: -1},
		"rate must be at most 100, because each of 2 instances sends 50 a second at most; take more instances": {
			URL: someURL, Instances: 2, Rate: 101,
		},
		"pause must be more than 0\nspeed must be more than 0":      {URL: someURL, Pause: -1, Speed: -1, Rate: 0},
		"duplicates must be from 0 to 1":                            {URL: someURL, Duplicates: 2},
		"unknown and invalid must be from 0 to 1, also together":    {URL: someURL, Unknown: 0.6, Invalid: 0.6},
		"duration must not be negative\ncount must not be negative": {URL: someURL, Duration: -1, Count: -1},
		"timeout must be more than 0\nexpiry must be more than 0":   {URL: someURL, Timeout: -1, Expiry: -1},
	} {
		if _, err := simulate.New(settings); err == nil || err.Error() != want {
			t.Errorf("error %v\nwant %s", err, want)
		}
	}
}
