package cli

import "github.com/spf13/cobra"

// commands is every command, one file each.
func (a *app) commands() []*cobra.Command {
	return []*cobra.Command{
		a.devicesCommand(), a.pairCommand(), a.unpairCommand(), a.encryptionCommand(),
		a.storeCommand(), a.backupCommand(), a.backupsCommand(), a.runsCommand(), a.archiveCommand(), a.unarchiveCommand(),
		a.deleteCommand(), a.policyCommand(), a.pruneCommand(), a.restoreCommand(), a.importCommand(), a.copyCommand(),
		a.lsCommand(), a.getCommand(), a.searchCommand(), a.diffCommand(), a.sizeCommand(), a.exportCommand(),
		a.verifyCommand(), a.repairCommand(), a.drillCommand(), a.doctorCommand(), a.notifyCommand(),
		a.serveCommand(), a.statusCommand(), a.choresCommand(),
		a.demoCommand(), a.versionCommand(), a.manCommand(),
	}
}
