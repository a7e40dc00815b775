module sluice.internal/worker

go 1.26.0

require (
	sluice.internal/schemas v0.0.0
	sluice.internal/shared v0.0.0
)

require (
	github.com/klauspost/compress v1.20.3 // indirect
	github.com/nats-io/nats.go v1.55.0 // indirect
	github.com/nats-io/nkeys v0.4.16 // indirect
	github.com/nats-io/nuid v1.0.1 // indirect
	go.uber.org/goleak v1.3.0 // indirect
	golang.org/x/crypto v0.58.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
)

replace (
	sluice.internal/schemas => ../schemas
	sluice.internal/shared => ../shared
)
