module sluice.internal/gateway

go 1.26.0

require sluice.internal/shared v0.0.0

replace sluice.internal/shared => ../shared
