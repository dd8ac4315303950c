// npm run release -- --version 1.2.3      sets the version everywhere
// npm run release -- --repository URL     sets `repository` everywhere
// npm run release -- --rehearse [npm …]   publishes to a local registry, installs with each package manager, and runs the README
// npm run release -- --check [--addons F] stages the packages in target/packages and lists their faults
// npm run release -- --publish --addons F publishes them, with the addons of every platform from the folder F. CI does this
// npm run release -- --reproduce [--addons F] [-- …]
//                                         builds the addon of Linux x64 twice in two folders, or once to compare with that of folder F,
//                                         and lists the differences. Arguments after `--` go to `napi build`
// npm run release -- --notes              prints the changelog's section of this version
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { install } from './install.mjs'
import { prepare } from './prepare.mjs'
import { findings } from './release/check.mjs'
import { manifest, setRepository, setVersion } from './release/manifests.mjs'
import { publish } from './release/publish.mjs'
import { stage } from './release/stage.mjs'
import { at, fail, needCargo, say } from './util.mjs'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    addons: { type: 'string' },
    check: { type: 'boolean' },
    notes: { type: 'boolean' },
    publish: { type: 'boolean' },
    rehearse: { type: 'boolean' },
    repository: { type: 'string' },
    reproduce: { type: 'boolean' },
    version: { type: 'string' }
  }
})
const addons = values.addons === undefined ? at('src', 'generated') : resolve(values.addons)

if (values.version !== undefined) setVersion(values.version)
if (values.repository !== undefined) setRepository(values.repository)
if (values.notes) console.log(notes())
if (values.rehearse) {
  needCargo()
  const { rehearse } = await import('./release/rehearse.mjs')
  const { passed, failed } = await rehearse({ addons, only: positionals })
  console.log(`${passed} passed, ${failed} failed`)
  process.exit(failed === 0 && passed > 0 ? 0 : 1)
} else if (values.reproduce) {
  needCargo()
  install()
  const { reproduce } = await import('./release/reproduce.mjs')
  const addon = values.addons && join(addons, 'fastn-net.linux-x64-gnu.node')
  const equal = reproduce({ addon, args: positionals })
  console.log(equal ? '1 passed, 0 failed' : '0 passed, 1 failed')
  process.exitCode = equal ? 0 : 1
} else if (values.check || values.publish) {
  needCargo()
  await prepare()
  const folders = stage({ addons })
  const wrong = findings()
  if (wrong.length > 0) fail(`Not published:\n  ${wrong.join('\n  ')}`)
  say('every package is complete')
  if (values.publish) publish(folders)
} else if (!values.notes && values.version === undefined && values.repository === undefined) {
  fail('npm run release -- --rehearse, --reproduce, --check, --publish, --notes, --version 1.2.3 or --repository URL')
}

/** The only source of release notes. */
function notes() {
  const { version } = manifest()
  const sections = readFileSync(at('CHANGELOG.md'), 'utf8').split(/^(?=## )/m)
  const section = sections.find(each => each.startsWith(`## ${version}\n`) || each.startsWith(`## ${version},`))
  return section?.slice(section.indexOf('\n')).trim() ?? fail(`CHANGELOG.md has no section ${version}`)
}
