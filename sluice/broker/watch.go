package broker

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"sluice.internal/shared/service"
)

const (
	// lookPause is the time between two looks at the store.
	lookPause = 2 * time.Second
	// restartPause is the least time between two restarts: a disk that fails again and again shall not make the
	// server do nothing but start.
	restartPause = 30 * time.Second
	// addressPause is the time between two looks whether the address is free again.
	addressPause = 50 * time.Millisecond
	// reserve is how much space, in bytes, there has to be before the server is started again. It holds the largest
	// message and what the server writes when it stops and starts.
	reserve = 16 << 20
	// spaceFile is written to find out whether there is space, and removed at once.
	spaceFile = "space.probe"
)

// watch looks after the store until the context ends. A server that could not write to a stream, because the disk
// was full, refuses all that comes to it until it is started again, also when there has long been space.
func (b *Broker) watch(ctx context.Context) {
	for service.Sleep(ctx, lookPause) == nil {
		b.look(ctx)
	}
}

// look restarts the server when it can't write and the disk can be written to.
func (b *Broker) look(ctx context.Context) {
	fault := b.fault()
	if fault == nil {
		b.health.Works()
		return
	}
	b.health.Failed(fault)
	if time.Since(b.restarted) < restartPause || hasSpace(b.options.StoreDir) != nil {
		return
	}
	b.restarted = time.Now()
	if err := b.restart(ctx); err != nil {
		b.health.Failed(err)
	} else if b.fault() == nil {
		b.health.Works()
	}
}

// fault is why the server can't write, nil when it can or did not try.
func (b *Broker) fault() error {
	if !b.server.Running() || !b.server.JetStreamEnabled() {
		return errOff
	}
	for _, found := range b.server.Healthz(&server.HealthzOptions{Details: true}).Errors {
		if found.Type == server.HealthzErrorStream && strings.Contains(found.Error, "write error") {
			return errors.New(found.Error)
		}
	}
	return nil
}

var errOff = errors.New("the store of the broker is off")

// hasSpace returns nil when the folder takes the reserve. It writes instead of asking how much is free, since there
// are quotas too, and what can't be pressed together, since some file systems do that.
func hasSpace(folder string) (err error) {
	path := filepath.Join(folder, spaceFile)
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("look for space: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close(), os.Remove(path)) }()
	if _, err := io.CopyN(file, rand.Reader, reserve); err != nil {
		return fmt.Errorf("look for space: %w", err)
	}
	return file.Sync()
}

// restart starts the server again, at the same address and with the same files. Clients come back by themselves.
func (b *Broker) restart(ctx context.Context) error {
	b.server.Shutdown()
	b.server.WaitForShutdown()
	if err := b.awaitAddress(ctx.Done(), b.options); err != nil {
		return err
	}
	return b.start(ctx.Done())
}

// awaitAddress waits until the server can listen where it did. While it is stopped another process may get its port,
// for a moment as the near end of a connection. The server itself tries once and then does nothing.
func (b *Broker) awaitAddress(ended <-chan struct{}, options *server.Options) error {
	address := net.JoinHostPort(options.Host, strconv.Itoa(options.Port))
	err := free(address)
	if err != nil {
		b.log.Warn("address of the broker is taken, waiting for it", "address", address)
	}
	for late := time.After(startTimeout); err != nil; err = free(address) {
		select {
		case <-ended:
			return err
		case <-late:
			return err
		case <-time.After(addressPause):
		}
	}
	return nil
}
