package config_test

import (
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"sluice.internal/shared/config"
)

func TestDefaultIsWhatLoadGivesWhenToldNothing(t *testing.T) {
	t.Parallel()
	loaded, err := config.Load(config.Options{File: folderFile(t, ""), WithoutTokens: true})
	if err != nil {
		t.Fatal(err)
	}
	if got := config.Default(); !reflect.DeepEqual(got, loaded) {
		t.Errorf("Default() is %+v, Load gives %+v", got, loaded)
	}
}

func TestDefaultIsComplete(t *testing.T) {
	t.Parallel()
	cfg := config.Default()
	if cfg.Gateway.BodyLimit != 32*config.MiB || cfg.Worker.Group != "default" || cfg.Streams.Events.DuplicateWindow != 48*time.Hour {
		t.Errorf("Default() is %+v", cfg)
	}
	if source, ok := cfg.Sources["green-api"]; !ok || source.Provider != "green-api" || source.Auth != config.AuthToken || source.Mode != config.ModeObserve {
		t.Errorf("its sources are %+v", cfg.Sources)
	}
}

func TestDefaultIsTheCallersToChange(t *testing.T) {
	t.Parallel()
	changed := config.Default()
	changed.Gateway.Listen = "127.0.0.1:0"
	delete(changed.Sources, "green-api")
	if again := config.Default(); again.Gateway.Listen != ":8080" || len(again.Sources) != 1 {
		t.Errorf("a second Default() is %+v", again)
	}
}

// folderFile writes the text into a sluice.yaml of the test's own and returns its path.
func folderFile(t *testing.T, text string) string {
	t.Helper()
	return filepath.Join(folder(t, map[string]string{"sluice.yaml": text}), "sluice.yaml")
}
