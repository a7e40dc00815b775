package stream

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"sluice.internal/shared/stream/internal/groupcommit"
)

var (
	// ErrFull says that a stream has no capacity left.
	ErrFull = errors.New("the stream is full")
	// ErrUnavailable says that nobody stored the message in time. It may still have been stored: when the
	// acknowledgement was lost, or when the time ended while a batch that holds the message was under way.
	ErrUnavailable = errors.New("the store does not answer")
	// ErrUnknown says that a message may have been stored, or may still be: it was sent and the acknowledgement did
	// not come. It comes together with ErrUnavailable, or with context.Canceled where the caller cancelled.
	ErrUnknown = errors.New("it is not known whether the message was stored")
	// ErrBusy says that too many messages are under way.
	ErrBusy = groupcommit.ErrBusy
	// ErrTooLarge says that the server or the stream takes no message of that size.
	ErrTooLarge = errors.New("the message is larger than the server's max_payload")
)

// Error codes of the server. Source: nats-server, server/errors.json.
const (
	codeStoreFailed         jetstream.ErrorCode = 10077 // the stream is at a limit
	codeStorageExceeded     jetstream.ErrorCode = 10047 // the server has no such capacity
	codeNoPeers             jetstream.ErrorCode = 10005 // no servers of the cluster have such capacity
	codeNoResources         jetstream.ErrorCode = 10023 // likewise, the account
	codeDuplicateInProcess  jetstream.ErrorCode = 10158 // the same id is being stored right now
	codeWrongLastSequence   jetstream.ErrorCode = 10071 // the subject has another last message than expected
	codeWrongLastConstant   jetstream.ErrorCode = 10164 // likewise, of a server of a cluster
	codeRollupRefused       jetstream.ErrorCode = 10111
	codeBatchHasDuplicate   jetstream.ErrorCode = 10201
	codeAtomicTooManyOpen   jetstream.ErrorCode = 10210
	codeReplicasUnsupported jetstream.ErrorCode = 10074
	codeMessageTooLarge     jetstream.ErrorCode = 10054 // for the stream's max_msg_size
	codeHeaderTooLarge      jetstream.ErrorCode = 10097
)

func code(err error) jetstream.ErrorCode {
	var api *jetstream.APIError
	if errors.As(err, &api) {
		return api.ErrorCode
	}
	return 0
}

func isNoCapacity(err error) bool {
	return slices.Contains([]jetstream.ErrorCode{codeStorageExceeded, codeNoResources, codeNoPeers}, code(err))
}

func explainCreate(err error) error {
	switch {
	case isNoCapacity(err):
		return fmt.Errorf("%w: the server has not that much capacity for JetStream, which without max_file_store is three quarters of "+
			"the space that was free when it started; configure smaller streams with streams.<stream>.max_bytes, or give it more", err)
	case code(err) == codeReplicasUnsupported:
		return fmt.Errorf("%w: more than one replica needs a NATS cluster of at least that many servers", err)
	default:
		return err
	}
}

// Classify turns what a publish returned into one of this package's errors where a caller would branch on it. A
// caller that cancelled stays one: that says nothing about the store.
func Classify(err error) error {
	switch {
	case code(err) == codeStoreFailed:
		return fmt.Errorf("%w: %w", ErrFull, err)
	case errors.Is(err, nats.ErrMaxPayload), code(err) == codeMessageTooLarge, code(err) == codeHeaderTooLarge:
		return fmt.Errorf("%w: %w", ErrTooLarge, err)
	case transient(err), errors.Is(err, nats.ErrConnectionClosed), errors.Is(err, nats.ErrConnectionDraining):
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	default:
		return err
	}
}

// mayBeStored reports whether the message had been sent when the error came.
func mayBeStored(err error) bool {
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, nats.ErrTimeout) || errors.Is(err, nats.ErrDisconnected)
}

// transient reports whether trying again with the same message id may help.
func transient(err error) bool {
	var api *jetstream.APIError
	if errors.As(err, &api) {
		return api.Code >= 500 && api.ErrorCode != codeStoreFailed || api.Code == 429 || api.ErrorCode == codeDuplicateInProcess
	}
	for _, passing := range []error{
		context.DeadlineExceeded, nats.ErrTimeout, nats.ErrNoResponders, jetstream.ErrNoStreamResponse,
		nats.ErrDisconnected, nats.ErrReconnectBufExceeded, nats.ErrConnectionReconnecting,
		nats.ErrStaleConnection,
	} {
		if errors.Is(err, passing) {
			return true
		}
	}
	return false
}

// IsOvertaken reports whether a publish failed because the last message, of the subject or of the stream, is another one than it
// expected: somebody else wrote in between.
func IsOvertaken(err error) bool {
	return code(err) == codeWrongLastSequence || code(err) == codeWrongLastConstant
}

// IsRollupRefused reports whether a publish failed because of the rollup that it asks for.
func IsRollupRefused(err error) bool { return code(err) == codeRollupRefused }
