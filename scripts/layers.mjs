// node scripts/layers.mjs: fails when a Rust module imports a module of its own layer or of a higher one.
//
// Cargo forbids cycles between crates, which keeps the modules of fastn-net-proto the lowest. Within a crate, nothing does. `cargo
// modules dependencies --acyclic` takes 13 CPU minutes to install, and reports a cycle for every type that one of its own submodules
// implements. So this script reads the paths: `crate::…`, `super::…` and `self::…`, in `use` and in code. Modules of one folder need no
// list: a cycle among siblings fails. A submodule may use items of its parent module, because the two are one unit.
import { readdirSync, readFileSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { pathToFileURL } from 'node:url'
import { at } from './util.mjs'

/** The modules of each crate from the lowest layer up. Those on one line are independent of each other. */
export const LAYERS = {
  'fastn-net-proto': [['printable'], ['error'], ['identity', 'protocol', 'targets'], ['wire']],
  'fastn-net': [
    // The modules of fastn-net-proto, which lib.rs re-exports.
    ['error', 'identity', 'protocol', 'targets', 'wire'],
    ['deadline', 'log_target', 'wakers'],
    ['waker_mutex', 'options'],
    ['config'],
    ['counters', 'quota', 'lifecycle'],
    ['transport', 'connection'],
    ['stream'],
    ['authorization'],
    ['routing'],
    ['negotiation', 'peer'],
    ['endpoint'],
    ['tunnel']
  ],
  'fastn-net-node': [
    ['subscriber'],
    ['bridge'],
    ['arguments', 'options'],
    [
      'connection',
      'file_lock',
      'guard',
      'key_store',
      'late',
      'listener',
      'logging',
      'peer',
      'policy',
      'service_manager',
      'stream'
    ],
    ['endpoint', 'identity', 'tunnel', 'watch'],
    ['proxy']
  ]
}

/** Comments, strings and characters: paths in them are not imports. */
const NOT_CODE = /\/\/.*|\/\*[\s\S]*?\*\/|\br(#*)"[\s\S]*?"\1|"(?:[^"\\]|\\[\s\S])*"|'(?:[^'\\\n]|\\.[^'\n]*)'/g

/** Faults of one crate's imports, one sentence each. `files`: path below src to text. */
export function problems(files, layers) {
  const found = new Set()
  const layerOf = new Map(layers.flatMap((names, layer) => names.map(name => [name, layer])))
  const modules = new Set(Object.keys(files).map(path => modulePath(path).join('::')))
  const edges = new Map()
  for (const [path, text] of Object.entries(files)) {
    const from = modulePath(path)
    if (from.length === 0) continue
    for (const to of imports(text, from)) {
      if (to[0] !== from[0]) {
        const problem = upward(from, to, layerOf, modules)
        if (problem) found.add(`${path}: ${problem}`)
        continue
      }
      // The deepest module on the path to the item, and the point where the two paths diverge.
      const target = deepest(to, modules)
      let common = 0
      while (common < Math.min(from.length, target.length) && from[common] === target[common]) common++
      if (common === from.length || common === target.length) continue
      const [a, b] = [from, target].map(whole => whole.slice(0, common + 1).join('::'))
      edges.set(a, (edges.get(a) ?? new Map()).set(b, path))
    }
  }
  for (const circle of circles(edges)) found.add(`${circle.join(' -> ')}: a circle`)
  return [...found]
}

function upward(from, to, layerOf, modules) {
  if (!modules.has(to[0]) && !layerOf.has(to[0]))
    return `crate::${to.join('::')} is a name of lib.rs: import it from its module`
  for (const name of [from[0], to[0]]) {
    if (!layerOf.has(name)) return `the module ${name} has no layer in scripts/layers.mjs`
  }
  if (layerOf.get(to[0]) < layerOf.get(from[0])) return undefined
  return `${from[0]} (layer ${layerOf.get(from[0]) + 1}) imports ${to.join('::')} (layer ${layerOf.get(to[0]) + 1})`
}

/** Every path into this crate, as an absolute list of names. */
function* imports(text, from) {
  const code = text.replace(NOT_CODE, '""')
  // An inline `mod tests` is indented: its `super` is the file's own module.
  for (const [, indent, tree] of code.matchAll(/^( *)(?:pub(?:\([a-z]+\))? )?use ((?:crate|super|self)::[^;]*);/gm)) {
    for (const path of expand(tree)) yield absolute(path, indent ? [...from, 'tests'] : from)
  }
  const rest = code.replace(/^ *(?:pub(?:\([a-z]+\))? )?use [^;]*;/gm, '')
  for (const [path] of rest.matchAll(/\b(?:crate|super)(?:::\w+)+/g)) yield absolute(path.split('::'), from)
}

/** Expands `a::{b, c::d}` to its paths. */
function expand(tree) {
  const open = tree.indexOf('{')
  if (open < 0) return [tree.split('::').map(name => name.trim().replace(/ as .*/, ''))]
  const prefix = tree
    .slice(0, open)
    .split('::')
    .map(name => name.trim())
    .filter(Boolean)
  const parts = []
  let depth = 0
  let part = ''
  for (const char of tree.slice(open + 1, tree.lastIndexOf('}'))) {
    if (char === '{') depth++
    if (char === '}') depth--
    if (char === ',' && depth === 0) {
      parts.push(part)
      part = ''
    } else part += char
  }
  return [...parts, part].filter(each => each.trim()).flatMap(each => expand(each).map(path => [...prefix, ...path]))
}

function absolute(path, from) {
  if (path[0] === 'crate') return path.slice(1)
  let base = from
  let rest = path[0] === 'self' ? path.slice(1) : path
  while (rest[0] === 'super') {
    base = base.slice(0, -1)
    rest = rest.slice(1)
  }
  return [...base, ...rest]
}

function deepest(path, modules) {
  let length = path.length
  while (length > 0 && !modules.has(path.slice(0, length).join('::'))) length--
  return path.slice(0, length)
}

function modulePath(path) {
  const names = path.replace(/\.rs$/, '').split('/')
  return ['mod', 'lib'].includes(names.at(-1)) ? names.slice(0, -1) : names
}

/** One cycle for each group of modules that can reach each other. */
function circles(edges) {
  const found = []
  const done = new Set()
  const walk = (name, trail) => {
    const start = trail.indexOf(name)
    if (start >= 0) return found.push([...trail.slice(start), name])
    if (done.has(name)) return
    for (const next of edges.get(name)?.keys() ?? []) walk(next, [...trail, name])
    done.add(name)
  }
  for (const name of edges.keys()) walk(name, [])
  return found
}

/** The sources of a crate. */
function sources(crate) {
  const root = at('crates', crate, 'src')
  const paths = readdirSync(root, { recursive: true }).filter(path => path.endsWith('.rs'))
  return Object.fromEntries(
    paths.map(path => [relative(root, join(root, path)).split(sep).join('/'), readFileSync(join(root, path), 'utf8')])
  )
}

/** Checks every crate. Prints the faults, and returns false if there are any. */
export function layers() {
  const wrong = Object.entries(LAYERS).flatMap(([crate, list]) =>
    problems(sources(crate), list).map(problem => `crates/${crate}/src/${problem}`)
  )
  for (const problem of wrong) console.error(problem)
  return wrong.length === 0
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) process.exitCode = layers() ? 0 : 1
