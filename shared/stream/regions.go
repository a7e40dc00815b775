package stream

import (
	"fmt"
	"regexp"
	"strings"
)

var regionName = regexp.MustCompile(`^[a-z][a-z0-9]{0,31}$`)

// CheckRegion returns an error when a text can't be the name of a region. It becomes a part of subjects, of the name of an
// account and of a folder.
func CheckRegion(name string) error {
	if !regionName.MatchString(name) {
		return fmt.Errorf("name of region %q: it has to be a small letter and then small letters and digits, at most 32", name)
	}
	return nil
}

// RegionAccount is the name of a region's account at the centre, and of the stream in that account.
func RegionAccount(region string) string { return "REGION_" + strings.ToUpper(region) }
