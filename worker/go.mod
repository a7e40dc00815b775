module sluice.internal/worker

go 1.26.0

require (
	sluice.internal/schemas v0.0.0
	sluice.internal/shared v0.0.0
)

replace (
	sluice.internal/schemas => ../schemas
	sluice.internal/shared => ../shared
)
