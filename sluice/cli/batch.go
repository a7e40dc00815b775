package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"sluice.internal/shared/stream"
	"sluice.internal/sluice/cli/term"
)

// operationTimeout bounds one operation on one message. A store that takes longer is in trouble.
const operationTimeout = 10 * time.Second

// batch does the same to many messages of a stream, one after the other. Sending them at once would be faster and would
// lose the order that they are collected in.
type batch struct {
	session *session
	// noun names a message, done the verb in its past form, as in "dead letter" and "dropped".
	noun, done string
	// limit spreads the work over time; nil does it as fast as it goes.
	limit *rateLimit
	// listed says that nobody named the messages, so that one that is gone by now is no failure.
	listed bool
	// notFound is the error of do for a message that is gone, missing the sentence for the person who named it.
	notFound error
	missing  func(sequence uint64) error
	// do works on one message and returns its type.
	do func(ctx context.Context, sequence uint64) (typeName string, err error)
}

// run works through the sequences and counts what is finished by type. A message that fails is reported and the rest
// goes on, but nothing goes on when the store fails. When the context ends, the message that was begun is finished.
func (b *batch) run(ctx context.Context, sequences []uint64) (finished term.CountByType, err error) {
	finished = term.CountByType{}
	progress := term.NewProgress(b.session.diagnostics)
	defer progress.Clear()
	all, failed := term.Counted(len(sequences), b.noun), 0
	for i, sequence := range sequences {
		if err := b.wait(ctx); err != nil {
			return finished, fmt.Errorf("interrupted: %d of %s %s", finished.Sum(), all, b.done)
		}
		typeName, err := b.one(ctx, sequence)
		progress.ShowCount(i+1, len(sequences))
		switch gone := errors.Is(err, b.notFound); {
		case err == nil:
			finished[typeName]++
			continue
		case gone && b.listed:
			continue // Somebody else was faster.
		case gone:
			err = b.missing(sequence)
		default:
			err = fmt.Errorf("%s %d: %w", b.noun, sequence, err)
		}
		progress.Clear()
		b.session.diagnostics.Error("%v", err)
		if errors.Is(err, stream.ErrUnavailable) || errors.Is(err, stream.ErrFull) {
			return finished, fmt.Errorf("%d of %s %s, then the store failed", finished.Sum(), all, b.done)
		}
		failed++
	}
	if failed > 0 {
		return finished, fmt.Errorf("%d of %s not %s", failed, all, b.done)
	}
	return finished, nil
}

func (b *batch) wait(ctx context.Context) error {
	if b.limit == nil {
		return ctx.Err()
	}
	return b.limit.wait(ctx)
}

// one is not interrupted: afterwards nobody would know whether it was done.
func (b *batch) one(ctx context.Context, sequence uint64) (typeName string, err error) {
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), operationTimeout)
	defer cancel()
	return b.do(bounded, sequence)
}

// checkSelection refuses a selection of messages that is none or two at once. Noun is the plural, filtered says that
// a filter was given.
func checkSelection(noun string, sequences []uint64, all, filtered bool) error {
	switch {
	case len(sequences) == 0 && !all && filtered:
		return errors.New("filters narrow down --all: add it")
	case len(sequences) == 0 && !all:
		return fmt.Errorf("name %s by their sequence, or all with --all", noun)
	case len(sequences) > 0 && (all || filtered):
		return errors.New("sequences go with neither --all nor a filter")
	}
	return nil
}
