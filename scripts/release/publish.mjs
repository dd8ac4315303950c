// Publishes staged packages: the platforms first, the package that names them last. An interrupted run can be repeated: it skips packages
// that are published already, byte for byte.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { at, fail, say } from '../util.mjs'

/**
 * @param {string[]} folders In the order of publishing.
 * @param {{ registry?: string, userconfig?: string, provenance?: boolean }} [options]
 */
export function publish(folders, options = {}) {
  const files = folders.map(folder => pack(folder, options))
  refuseNewNames(files, options)
  // Checked before the first package is published: a version that exists with other content can never be published.
  const missing = files.filter(file => !isPublished(file, options))
  for (const { name, version, path } of missing) {
    say(`publish ${name} ${version}`)
    const tag = version.includes('-') ? 'next' : 'latest'
    const provenance = options.provenance === false ? ['--provenance=false'] : []
    npm(['publish', path, '--access', 'public', '--tag', tag, ...provenance], options)
  }
  say(`${missing.length} published, ${files.length - missing.length} were there already`)
}

function pack(folder, options) {
  const { name, version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  const tarballs = at('target', 'tarballs')
  mkdirSync(tarballs, { recursive: true })
  const path = join(tarballs, `${name}-${version}.tgz`)
  rmSync(path, { force: true })
  npm(['pack', folder, '--pack-destination', tarballs, '--ignore-scripts', '--loglevel=error'], options, 'ignore')
  const integrity = `sha512-${createHash('sha512').update(readFileSync(path)).digest('base64')}`
  return { name, version, path, integrity }
}

/** Stops a release that would be half published: npm accepts trusted publishers only for existing packages, so new ones need a token. */
function refuseNewNames(files, options) {
  if (options.userconfig !== undefined || process.env.NPM_TOKEN) return
  const unknown = files.filter(({ name }) => {
    const { status, stdout, stderr } = spawnNpm(['view', name, 'name', '--json'], options, 'pipe')
    return status !== 0 && `${stdout}${stderr}`.includes('E404')
  })
  if (unknown.length > 0)
    fail(
      `nothing was published: the registry has no ${unknown.map(({ name }) => name).join(', ')}, and a new package needs a token. Set NPM_TOKEN for the first version: see docs/contributing/releases.md`
    )
}

function isPublished({ name, version, integrity }, options) {
  const { status, stdout, stderr } = spawnNpm(
    ['view', `${name}@${version}`, 'dist.integrity', '--json'],
    options,
    'pipe'
  )
  if (status !== 0 && !stdout.includes('E404') && !stderr.includes('E404'))
    fail(`npm view ${name}: ${stderr || stdout}`)
  const found = status === 0 && stdout.trim() !== '' ? JSON.parse(stdout) : undefined
  if (found === undefined) return false
  if (found !== integrity) fail(`${name} ${version} is published with another content: take another version`)
  return true
}

function npm(args, options, output = 'inherit') {
  const { status } = spawnNpm(args, options, output)
  if (status !== 0) fail(`npm ${args[0]} failed: ${args[1]}. What is published stays; run this again to go on`)
}

function spawnNpm(args, { registry, userconfig = ofToken() }, output) {
  const more = [...(registry ? ['--registry', registry] : []), ...(userconfig ? ['--userconfig', userconfig] : [])]
  const stdio = ['ignore', output, output === 'pipe' ? 'pipe' : 'inherit']
  return spawnSync('npm', [...args, ...more], {
    cwd: at(),
    stdio,
    encoding: 'utf8',
    shell: process.platform === 'win32'
  })
}

/** npm reads the environment variable, so that the token is in no file and no argument. */
function ofToken() {
  if (!process.env.NPM_TOKEN) return undefined
  const file = at('target', 'npmrc')
  // biome-ignore lint/suspicious/noTemplateCurlyInString: npm's own syntax
  writeFileSync(file, '//registry.npmjs.org/:_authToken=${NPM_TOKEN}\n')
  return file
}
