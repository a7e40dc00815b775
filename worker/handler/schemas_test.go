package handler_test

import (
	"slices"
	"testing"

	"sluice.internal/schemas"
	"sluice.internal/shared/source"
	"sluice.internal/worker/handler"
)

func TestEveryHandlerHasASchemaAndEverySchemaAHandler(t *testing.T) {
	t.Parallel()
	set, err := schemas.Load()
	if err != nil {
		t.Fatal(err)
	}
	var withSchema [][2]string
	for _, provider := range source.Names() {
		for _, kind := range set.Types(provider) {
			withSchema = append(withSchema, [2]string{provider, kind})
		}
	}
	if withHandler := handler.BuiltIn().Pairs(); !slices.Equal(withSchema, withHandler) {
		t.Errorf("schemas for  %v\nhandlers for %v", withSchema, withHandler)
	}
}
