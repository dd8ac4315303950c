import { servingFolder } from '../../rig/services/index.js'
import { qrOption } from '../announce.js'
import type { Command } from '../command.js'
import { expose } from '../serve.js'
import { serviceOption } from '../services.js'
import { endpointOptions, exposeOptions } from '../specs.js'

/** Serves a folder over HTTP. */
export const folder: Command = {
  name: 'folder',
  summary: 'Serve a folder to peers over HTTP.',
  description:
    'Prints its ticket. Serves index.html if the folder has one, else a listing. Follows no links, and serves nothing\n' +
    'outside FOLDER. Runs until Ctrl-C.',
  arguments: [{ name: 'FOLDER', help: 'Folder to serve.' }],
  options: {
    ...exposeOptions,
    ...serviceOption,
    hidden: { help: 'Also serve files and folders whose names begin with a dot.' },
    'no-listing': { help: 'Do not list folders: serve only files and index.html.' },
    ...qrOption,
    ...endpointOptions
  },
  examples: [
    ['fastn-net folder photos --public', 'For every peer that has the ticket.'],
    ['fastn-net folder ./site --allow ID52 --key my.key --no-listing', 'A web site, for one peer.']
  ],
  async run(context) {
    const { args } = context
    const settings = {
      service: args.text('service'),
      hasHidden: args.has('hidden'),
      hasListing: !args.has('no-listing')
    }
    const start = (allow: readonly string[] | 'public') => servingFolder(args.required(0), { ...settings, allow })
    await expose(context, start, 'To open it: fastn-net browse TICKET')
    return undefined
  }
}
