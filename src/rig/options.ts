import { resolve } from 'node:path'
import { checkOptions, checkSignal, type OptionNames, optional } from '../util/validate.js'
import { type HomePaths, pathsOf } from './home.js'

/** Options of {@link startRig}. */
export interface RigOptions {
  /** The folder of the rig. Default: see {@link rigHome}. */
  home?: string | undefined
  /** Folder that paths in the configuration are relative to. Default: the home. */
  folder?: string | undefined
  /**
   * Notify systemd of start, reload and close, and send watchdog pings, in units with `Type=notify` or `Type=notify-reload`. Only for the
   * main process of the unit. Default: false.
   */
  notify?: boolean | undefined
  /** Cancels the start, which rejects with the signal's reason. Default: none. */
  signal?: AbortSignal | undefined
}

/** Checked options with defaults filled in. */
export interface ResolvedRig {
  readonly paths: HomePaths
  readonly folder: string
  readonly notify: boolean
  readonly signal: AbortSignal | undefined
}

const rigNames: OptionNames<RigOptions> = { home: true, folder: true, notify: true, signal: true }

/** Checks the options of {@link startRig}. */
export function resolveRig(options: RigOptions): ResolvedRig {
  const { home, folder, notify, signal } = checkOptions(options, rigNames)
  const paths = pathsOf(optional('string', home, 'options.home'))
  return {
    paths,
    folder: resolve(optional('string', folder, 'options.folder') ?? paths.home),
    notify: optional('boolean', notify, 'options.notify') ?? false,
    signal: checkSignal(signal)
  }
}
