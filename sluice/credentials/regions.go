package credentials

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"sluice.internal/shared/stream"
)

const (
	// regionsFolder has a folder for each region, with the key that its NATS shows the centre.
	regionsFolder = "regions"
	// accountsFile has an account for each region, as the centre's NATS is told them.
	accountsFile = "regions.conf"
	// importsFile has what the account of the streams takes from the regions' accounts.
	importsFile = "region-imports.conf"
)

// Accounts is the file with the regions' accounts at the centre. It holds no secret, and is there also without regions,
// since nats/roles.conf includes it.
func (f Folder) Accounts() string { return filepath.Join(f.Dir, keysFolder, accountsFile) }

// Imports is the file with what SLUICE takes from the regions' accounts.
func (f Folder) Imports() string { return filepath.Join(f.Dir, keysFolder, importsFile) }

// RegionSeed is the file with the seed that a region's NATS shows the centre.
func (f Folder) RegionSeed(region string) string { return f.Seed(filepath.Join(regionsFolder, region)) }

// makeRegions makes keys for f.Regions, and writes what NATS is told about these and about those that were made before.
func (f Folder) makeRegions() (made []string, err error) {
	regions, err := f.regions()
	if err != nil {
		return nil, err
	}
	var accounts, imports strings.Builder
	for _, region := range regions {
		public, isNew, err := f.key(filepath.Join(regionsFolder, region))
		if err != nil {
			return made, err
		}
		if isNew {
			made = append(made, f.RegionSeed(region))
		}
		fmt.Fprintf(&accounts, accountText, stream.RegionAccount(region), region, public)
		fmt.Fprintf(&imports, importText, stream.RegionAccount(region), region)
	}
	return made, errors.Join(
		f.replace(f.Accounts(), accountsHead+accounts.String(), publicMode),
		f.replace(f.Imports(), importsHead+"imports: [\n"+imports.String()+"]\n", publicMode),
	)
}

// regions are the names of f.Regions and of those whose keys are there, in order.
func (f Folder) regions() ([]string, error) {
	names := slices.Clone(f.Regions)
	entries, err := os.ReadDir(filepath.Join(f.Dir, regionsFolder))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("look for regions: %w", err)
	}
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	for _, name := range names {
		if err := stream.CheckRegion(name); err != nil {
			return nil, err
		}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

const accountsHead = `# An account for each region, between its NATS and the account of the streams. The block accounts of roles.conf includes
# this file, which sluice secrets make writes.
#
# What a region sends can make this server publish: it answers a control message of a source to whatever subject that
# names, with the server's rights. In an account of its own there is nothing for it to reach but what it has put in.
`

// accountText has the account, the region and the public half of its key. The region's NATS may deliver and answer where
// it begins to, and hears where to begin and that it may go on; shared/stream/admin has the streams that do so.
const accountText = `%[1]s {
  jetstream: enabled
  exports: [
    { service: "$JS.API.>", accounts: [SLUICE] }
    { service: "$JS.FC.%[1]s.>", accounts: [SLUICE] }
    { stream: "region.%[2]s.taken", accounts: [SLUICE] }
  ]
  users: [
    {
      nkey: "%[3]s"
      allowed_connection_types: ["LEAFNODE"]
      permissions {
        publish: ["region.arrived", "$JSC.R.*"]
        subscribe: ["$JS.region.API.CONSUMER.RESET.NOTIFICATIONS.CENTRE", "$JS.FC.NOTIFICATIONS.CENTRE.*"]
      }
    }
  ]
}
`

const importsHead = `# What the account of the streams takes from the regions' accounts. The block SLUICE of roles.conf includes this file, which
# sluice secrets make writes.
`

const importText = `  { service: { account: %[1]s, subject: "$JS.API.>" }, to: "region.%[2]s.api.>" }
  { service: { account: %[1]s, subject: "$JS.FC.%[1]s.>" } }
  { stream: { account: %[1]s, subject: "region.%[2]s.taken" } }
`
