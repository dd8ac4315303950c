// The manifests of this repository: the package, its platforms, the crates; their version and repository.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { at, fail } from '../util.mjs'

/** Packages of the workspace, published after the package itself. */
export const workspace = ['packages/mail']

const crates = ['fastn-net', 'fastn-net-node', 'fastn-net-proto']

export const manifest = (...folder) => JSON.parse(readFileSync(at(...folder, 'package.json'), 'utf8'))

/** Every place that states the version, with the stated version. */
export function versions() {
  const text = file => readFileSync(at(file), 'utf8')
  const lock = JSON.parse(text('package-lock.json'))
  const inLock = crate => new RegExp(`name = "${crate}"\\nversion = "([^"]+)"`).exec(text('Cargo.lock'))?.[1]
  return {
    'package.json': manifest().version,
    'package-lock.json': lock.version === lock.packages[''].version ? lock.version : 'two versions',
    ...Object.fromEntries(
      workspace.flatMap(folder => [
        [`${folder}/package.json`, manifest(folder).version],
        [`package-lock.json (${folder})`, lock.packages[folder]?.version]
      ])
    ),
    ...Object.fromEntries(
      readdirSync(at('npm')).map(name => [`npm/${name}/package.json`, manifest('npm', name).version])
    ),
    'src/version.ts': /'([^']+)'/.exec(text('src/version.ts'))?.[1],
    'Cargo.toml': /\[workspace\.package\]\nversion = "([^"]+)"/.exec(text('Cargo.toml'))?.[1],
    ...Object.fromEntries(crates.map(crate => [`Cargo.lock (${crate})`, inLock(crate)]))
  }
}

/** Sets the version in every place. */
export function setVersion(version) {
  if (!/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version)) fail(`'${version}' is not a version, such as 1.2.3`)
  const old = manifest().version
  edit('package.json', text => text.replace(`"version": "${old}"`, `"version": "${version}"`))
  for (const name of readdirSync(at('npm')))
    edit(`npm/${name}/package.json`, text => text.replace(/"version": "[^"]+"/, `"version": "${version}"`))
  for (const folder of workspace)
    edit(`${folder}/package.json`, text => {
      const peer = text.replace(/("fastn-net": )"[^"]+"/, `$1"^${version}"`)
      return peer.replace(/"version": "[^"]+"/, `"version": "${version}"`)
    })
  edit('package-lock.json', text => {
    const lock = JSON.parse(text)
    lock.version = lock.packages[''].version = version
    for (const folder of workspace) {
      lock.packages[folder].version = version
      lock.packages[folder].peerDependencies['fastn-net'] = `^${version}`
    }
    return `${JSON.stringify(lock, null, 2)}\n`
  })
  edit('src/version.ts', text => text.replace(/'[^']+'/, `'${version}'`))
  edit('Cargo.toml', text => text.replace(/(\[workspace\.package\]\nversion = )"[^"]+"/, `$1"${version}"`))
  for (const crate of crates)
    edit('Cargo.lock', text => text.replace(new RegExp(`(name = "${crate}"\\nversion = )"[^"]+"`), `$1"${version}"`))
}

/** Sets `repository`, `bugs` and `homepage` in every manifest that npm displays or checks for provenance. */
export function setRepository(url) {
  if (!/^https:\/\/[^/]+\/[^/]+\/[^/]+$/.test(url))
    fail(`'${url}' is no URL of a repository, such as https://github.com/owner/name`)
  const set = directory => text => {
    const repository = { type: 'git', url: `git+${url}.git`, ...(directory ? { directory } : {}) }
    const bugs = withField(text, 'bugs', { url: `${url}/issues` }, 'license')
    const homepage = withField(bugs, 'homepage', `${url}#readme`, 'license')
    return withField(homepage, 'repository', repository, 'license')
  }
  edit('package.json', set())
  for (const name of readdirSync(at('npm'))) edit(`npm/${name}/package.json`, set(`npm/${name}`))
  for (const folder of workspace) edit(`${folder}/package.json`, set(folder))
}

/** The web URL of a manifest's `repository`. */
export function repositoryUrl({ repository }) {
  return (repository?.url ?? repository)?.replace(/^git\+/, '').replace(/\.git$/, '')
}

/** The text of a manifest with a field inserted after another, and otherwise unchanged. */
function withField(text, name, value, behind) {
  const line = `  "${name}": ${JSON.stringify(value).replaceAll('":', '": ').replaceAll(',"', ', "').replace(/^{/, '{ ').replace(/}$/, ' }')},\n`
  const without = text.replace(new RegExp(`^  "${name}": (?:\\{[^}]*\\}|"[^"]*"),\\n`, 'm'), '')
  return without.replace(new RegExp(`^  "${behind}": .*\\n`, 'm'), found => found + line)
}

function edit(file, change) {
  const before = readFileSync(at(file), 'utf8')
  const after = change(before)
  if (after !== before) writeFileSync(at(file), after)
}
