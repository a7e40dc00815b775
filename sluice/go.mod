module sluice.internal/sluice

go 1.26.0

require (
	sluice.internal/gateway v0.0.0
	sluice.internal/schemas v0.0.0
	sluice.internal/shared v0.0.0
	sluice.internal/worker v0.0.0
)

replace (
	sluice.internal/gateway => ../gateway
	sluice.internal/schemas => ../schemas
	sluice.internal/shared => ../shared
	sluice.internal/worker => ../worker
)
