// npm run build                            the addon as demo and tests use it, dist, index.d.ts and node.d.ts
// npm run build -- --release               the addon as packages and benchmarks use it, with full LTO
// npm run build -- --release --target T …  the rest goes to `napi build`
import { buildAddon, compile, install, place, prepare } from './prepare.mjs'
import { needCargo } from './util.mjs'

const args = process.argv.slice(2)
const profile = args.includes('--release') ? 'release' : 'dev-release'
const rest = args.filter(argument => argument !== '--release')

if (rest.length === 0) await prepare({ profile })
else {
  needCargo()
  install()
  buildAddon(profile, rest)
  await compile()
  place()
}
