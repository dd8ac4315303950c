import { importRig } from '../../rig/index.js'
import { printable } from '../../util/display.js'
import type { Command } from '../command.js'
import { homeOf, homeOption } from './home.js'
import { hideSqliteWarning } from './sqlite-warning.js'

/** Imports a folder of the original. */
export const importCommand: Command = {
  name: 'rig import',
  summary: "Import a folder of the original's rig: keys, peer names, mails with flags.",
  description:
    'Does not change the folder, and imports nothing twice. A new home gets the key of that rig. The rig must not run.\n' +
    'Mails need the package fastn-mail; names, flags and online states need Node.js 22.13 or newer.',
  arguments: [{ name: 'FOLDER', help: 'The folder that contains accounts and rig.' }],
  options: {
    ...homeOption,
    user: { help: 'The user of [mail.users] that gets the mails. Default: me.', value: 'NAME' }
  },
  examples: [['fastn-net rig import ~/.local/share/fastn --home my-rig', 'Into another folder.']],
  async run(context) {
    const { args, output } = context
    hideSqliteWarning()
    const user = args.text('user')
    const { accounts, problems } = await importRig(args.required(0), {
      home: homeOf(context),
      ...(user !== undefined && { user })
    })
    for (const each of accounts) {
      const { account, aliases, peers, mails, duplicates } = each
      const before = duplicates === 0 ? '' : `, ${duplicates} mails before`
      const line = `${account}: ${aliases.length} keys, ${peers} peers, ${mails} mails${before}`
      await output.result(line, { event: 'imported', ...each })
    }
    for (const problem of problems) {
      await output.event({ event: 'left-out', message: problem })
      output.hint(`skipped: ${printable(problem)}`)
    }
    return undefined
  }
}
