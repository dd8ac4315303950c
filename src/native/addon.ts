import { version } from '../version.js'
import { failed } from './addon-failure.js'
import type { Native } from './binding.js'
import { findAddon } from './find-addon.js'

let loaded: Native | undefined

/**
 * The addon, loaded at first use: importing the package costs nothing and cannot fail.
 *
 * @throws {FastnNetError} `ERR_NATIVE` when there is no addon for this platform, it cannot be loaded, or is of another version.
 */
export function native(): Native {
  return loaded ?? load()
}

function load(): Native {
  const addon = findAddon() as Partial<Native>
  const found = addon.version?.()
  if (found !== version) {
    const other = found === undefined ? 'of another version' : `of version ${found}`
    throw failed(`the native addon is ${other}, and fastn-net is ${version}: install both anew, in the same version`)
  }
  loaded = addon as Native
  return loaded
}
