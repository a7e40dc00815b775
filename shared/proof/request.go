package proof

import "sluice.internal/shared/proof/internal/request"

type (
	// Request is everything about a request that a proof may cover. Verifiers do not change it.
	Request = request.Request
	// Draft is a request that is to be sent as a provider would.
	Draft = request.Draft
)

// Distinct returns the values of a header field without white space around them, equal ones once and at most two: some proxies
// double a field, as two of them or as one with a comma between. All of it is the client's, so that it is compared as any text.
func Distinct(values []string) []string { return request.Distinct(values) }
