module sluice.internal/schemas

go 1.26.0

require github.com/santhosh-tekuri/jsonschema/v5 v5.3.1

require pgregory.net/rapid v1.3.0
