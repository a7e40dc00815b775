package stream

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

var (
	// ErrFull says that a stream has no room left.
	ErrFull = errors.New("the stream is full")
	// ErrUnavailable says that nobody stored the message in time. It may still have been stored, when only the
	// acknowledgement was lost.
	ErrUnavailable = errors.New("the store does not answer")
	// ErrUnknown says that a message may have been stored: it was sent and the acknowledgement did not come. It
	// comes together with ErrUnavailable.
	ErrUnknown = errors.New("it is not known whether the message was stored")
	// ErrBusy says that too many messages are under way.
	ErrBusy = errors.New("too many messages are under way")
	// ErrTooLarge says that the server takes no message of that size.
	ErrTooLarge = errors.New("the message is larger than the server's max_payload")
)

// Error codes of the server. Source: nats-server, server/errors.json.
const (
	codeStoreFailed         jetstream.ErrorCode = 10077 // the stream is at a limit
	codeStorageExceeded     jetstream.ErrorCode = 10047 // the server has no such room
	codeNoPeers             jetstream.ErrorCode = 10005 // no servers of the cluster have such room
	codeNoResources         jetstream.ErrorCode = 10023 // likewise, the account
	codeDuplicateInProcess  jetstream.ErrorCode = 10158 // the same id is being stored right now
	codeWrongLastSequence   jetstream.ErrorCode = 10071 // the subject has another last message than expected
	codeWrongLastConstant   jetstream.ErrorCode = 10164 // likewise, of a server of a cluster
	codeBatchHasDuplicate   jetstream.ErrorCode = 10201
	codeAtomicTooManyOpen   jetstream.ErrorCode = 10210
	codeConsumerNotFound    jetstream.ErrorCode = 10014
	codeReplicasUnsupported jetstream.ErrorCode = 10074
)

func code(err error) jetstream.ErrorCode {
	var api *jetstream.APIError
	if errors.As(err, &api) {
		return api.ErrorCode
	}
	return 0
}

func isNoRoom(err error) bool {
	return slices.Contains([]jetstream.ErrorCode{codeStorageExceeded, codeNoResources, codeNoPeers}, code(err))
}

func explainCreate(err error) error {
	switch {
	case isNoRoom(err):
		return fmt.Errorf("%w: the server has not that much room for JetStream; configure smaller streams or give it more", err)
	case code(err) == codeReplicasUnsupported:
		return fmt.Errorf("%w: more than one replica needs a NATS cluster of at least that many servers", err)
	default:
		return err
	}
}

// classify turns what a publish returned into one of this package's errors where a caller would branch on it.
func classify(err error) error {
	switch {
	case code(err) == codeStoreFailed:
		return fmt.Errorf("%w: %w", ErrFull, err)
	case errors.Is(err, nats.ErrMaxPayload):
		return fmt.Errorf("%w: %w", ErrTooLarge, err)
	case transient(err), errors.Is(err, nats.ErrConnectionClosed), errors.Is(err, nats.ErrConnectionDraining),
		errors.Is(err, context.Canceled):
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	default:
		return err
	}
}

// mayBeStored tells whether the message had been sent when the error came.
func mayBeStored(err error) bool {
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, nats.ErrTimeout) || errors.Is(err, nats.ErrDisconnected)
}

// transient tells whether trying again with the same message id may help.
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
