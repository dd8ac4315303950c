// npm run audit    signatures and known vulnerabilities of the packages in all lock files, by npm and cargo-deny. Contacts
//                  their registries and GitHub; ends with 'N passed, N failed'
import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { lockFolders } from './lock-files.mjs'
import { patchedCrates, withoutPatches } from './patched-crates.mjs'
import { at, needCargo, passes, say } from './util.mjs'

/** The lowest severity that counts. Benchmarks run other libraries, even old ones, on 127.0.0.1 only. */
const levelOf = folder => (folder.startsWith('bench') ? 'critical' : 'high')

let [passed, failed] = [0, 0]
for (const folder of lockFolders('package-lock.json')) {
  const name = folder === '.' ? 'npm' : `npm, ${folder}`
  if (folder === '.') count(`${name}: what is published or bundled`, known(folder, 'low', '--omit=dev'))
  count(`${name}: tools`, known(folder, levelOf(folder)))
  if (!folder.startsWith('bench')) count(`${name}: signatures`, signed(folder))
}
needCargo()
for (const folder of lockFolders('Cargo.lock')) {
  const name = `cargo${folder === '.' ? '' : `, ${folder}`}`
  count(name, advised(at(folder, 'Cargo.toml')))
  const patched = patchedCrates(folder)
  if (patched.length === 0) continue
  const published = patched.map(each => `${each.name} ${each.version}`).join(' and ')
  count(
    `${name}: ${published} as published`,
    inFolder(copy => advised(withoutPatches(folder, copy)))
  )
}
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1

function count(name, isSound) {
  say(`${isSound ? '' : 'FAILED: '}${name}`)
  if (isSound) passed++
  else failed++
}

function advised(manifest) {
  const options = ['--log-level', 'warn', '--config', at('deny.toml'), '--manifest-path', manifest]
  return passes('cargo-deny', [...options, 'check', 'advisories'])
}

function known(folder, level, ...more) {
  return npm(['audit', '--package-lock-only', `--audit-level=${level}`, ...more], at(folder))
}

/** npm checks the signatures of installed packages: here in a separate folder, without running their scripts. */
function signed(folder) {
  return inFolder(copy => {
    copyFileSync(at(folder, 'package-lock.json'), join(copy, 'package-lock.json'))
    for (const member of membersOf(folder)) {
      mkdirSync(join(copy, member), { recursive: true })
      copyFileSync(at(folder, member, 'package.json'), join(copy, member, 'package.json'))
    }
    // Not `npm ci`: some packages have optional ones that were never published.
    const install = ['install', '--no-save', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']
    return npm(install, copy) && npm(['audit', 'signatures'], copy)
  })
}

/** Runs `action` with a new folder, which is deleted afterwards. */
function inFolder(action) {
  const folder = mkdtempSync(join(tmpdir(), 'fastn-net-audit-'))
  try {
    return action(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** The folders of a lock file's package and of its workspace packages. */
function membersOf(folder) {
  const { packages } = JSON.parse(readFileSync(at(folder, 'package-lock.json'), 'utf8'))
  return Object.keys(packages).filter(path => !path.includes('node_modules'))
}

function npm(args, cwd) {
  return spawnSync('npm', args, { cwd, stdio: 'inherit', shell: process.platform === 'win32' }).status === 0
}
