// npm run test:mutants [-- [--sample N] [--jobs N] [--tests FOLDER,…] FILES]
//
// Mutation tests: applies one mutant of src at a time, runs the tests that cover it, and prints the mutants that survive.
//
// FILES                   files or folders of src; default: all of src
// --sample N              N mutants, the same ones each time
// --jobs N                N mutants at a time; default: 1
// --tests unit,contract   only these test folders
//
// Ctrl-C ends the run and prints the results so far. The tests run in copies of the repository, with src compiled file by file.
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync
} from 'node:fs'
import { SourceMap } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { prepare } from './prepare.mjs'
import { at, cache, fail, say, tool } from './util.mjs'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    sample: { type: 'string' },
    jobs: { type: 'string', default: '1' },
    tests: { type: 'string', default: 'unit,contract,lifecycle' }
  }
})
const jobs = Number(values.jobs)
const wanted = positionals.length === 0 ? ['src'] : positionals.map(path => relative(at(), at(path)))

// Test folders that need no network namespace, without the tests that measure time or inspect the whole package.
const folders = values.tests.split(',')
const unmeasured = ['import', 'copies', 'native'].map(name => `dist-test/lifecycle/${name}.test.js`)
// The addon's loader: these tests do not cover it.
const unmutated = ['src/native/addon.ts', 'src/native/addon-failure.ts', 'src/native/find-addon.ts']
// The first few tests kill most mutants, so the others start only if these pass.
const firstFew = 3
const leastMs = 20_000

await prepare({ examples: true, tests: true })
const { mutantsOf } = await import('./mutators.mjs')
const { default: ts } = await import('typescript')

const mutants = []
const home = mkdtempSync(join(tmpdir(), 'fastn-net-mutants-'))
process.on('exit', () => rmSync(home, { recursive: true, force: true }))
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    report()
    process.exit(1)
  })
}

const modules = compiled()
const workshops = Array.from({ length: jobs }, (_, number) => workshop(join(home, String(number))))
const tests = await baseline(workshops[0])
mutants.push(...sample(allMutants()))
say(`${mutants.length} mutants, ${tests.length} test files, ${jobs} at a time`)
const queue = [...mutants]
const kills = new Map()
await Promise.all(workshops.map(work))
report()

/** `src` compiled to JavaScript, by module name. */
function compiled() {
  const options = { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext, verbatimModuleSyntax: true }
  const found = new Map()
  for (const path of readdirSync(at('src'), { recursive: true })) {
    if (!path.endsWith('.ts') || path.startsWith('generated')) continue
    const made = ts.transpileModule(readFileSync(at('src', path), 'utf8'), {
      compilerOptions: { ...options, sourceMap: true, removeComments: true }
    })
    const code = made.outputText.replace(/\n\/\/# sourceMappingURL=.*/, '')
    found.set(path.replace(/\.ts$/, '.js'), {
      source: join('src', path),
      code,
      map: new SourceMap(JSON.parse(made.sourceMapText))
    })
  }
  return found
}

/** Creates a copy for tests to run in, with its own `dist` and tests, and links to the rest. */
function workshop(folder) {
  mkdirSync(join(folder, 'dist'), { recursive: true })
  const own = ['dist', 'dist-test', 'package.json', 'ava.config.js']
  for (const name of readdirSync(at())) if (!own.includes(name)) symlinkSync(at(name), join(folder, name))
  for (const name of own.slice(1)) cpSync(at(name), join(folder, name), { recursive: true })
  cpSync(at('dist', 'generated'), join(folder, 'dist', 'generated'), { recursive: true })
  for (const [name, { code }] of modules) {
    const file = join(folder, 'dist', 'modules', name)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, code)
  }
  for (const [name, entry] of [
    ['index', 'index'],
    ['node', 'node/index']
  ])
    writeFileSync(join(folder, 'dist', `${name}.js`), `export * from './modules/${entry}.js'\n`)
  return folder
}

/**
 * Runs each test file once without a mutant. Measures its time and coverage, and skips files that fail. Caches results until
 * `src`, the test file or the helpers change.
 */
async function baseline(folder) {
  const kept = join(cache, 'mutants')
  mkdirSync(kept, { recursive: true })
  const shared = createHash('sha256')
  for (const { code } of modules.values()) shared.update(code)
  for (const name of readdirSync(at('dist-test', 'helpers')).sort())
    shared.update(readFileSync(at('dist-test', 'helpers', name)))
  const found = []
  for (const file of testFiles()) {
    const key = shared
      .copy()
      .update(file)
      .update(readFileSync(at(file)))
      .digest('hex')
    const path = join(kept, `${file.replaceAll('/', '-')}.json`)
    let test = readIfThere(path)
    if (test?.key !== key) {
      const coverage = join(home, 'coverage')
      const began = performance.now()
      const outcome = await runTests(folder, [file], 120_000, { NODE_V8_COVERAGE: coverage })
      test = { key, file, ms: performance.now() - began }
      if (outcome === 'passed') {
        test.reached = reached(folder, coverage)
        writeFileSync(path, JSON.stringify(test))
      } else say(`${file} ${outcome} without a mutant: skipped`)
      rmSync(coverage, { recursive: true, force: true })
    }
    if (test.reached) found.push(test)
  }
  return found
}

function testFiles() {
  return folders
    .flatMap(folder => readdirSync(at('dist-test', folder)).map(name => `dist-test/${folder}/${name}`))
    .filter(file => file.endsWith('.test.js') && !unmeasured.includes(file))
}

function readIfThere(path) {
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : undefined
}

/** V8's coverage ranges of each process, by module. */
function reached(folder, coverage) {
  const prefix = pathToFileURL(join(folder, 'dist', 'modules')).href
  const found = {}
  for (const name of readdirSync(coverage)) {
    for (const { url, functions } of JSON.parse(readFileSync(join(coverage, name), 'utf8')).result) {
      if (!url.startsWith(prefix)) continue
      const ranges = functions.flatMap(each => each.ranges)
      const module = url.slice(prefix.length + 1)
      found[module] ??= []
      found[module].push(ranges.map(({ startOffset, endOffset, count }) => [startOffset, endOffset, count]))
    }
  }
  return found
}

function reaches(test, { module, start }) {
  return (test.reached[module] ?? []).some(ranges => {
    let [least, ran] = [Number.POSITIVE_INFINITY, false]
    // The innermost range wins.
    for (const [from, to, count] of ranges) {
      if (from <= start && start < to && to - from <= least) [least, ran] = [to - from, count > 0]
    }
    return ran
  })
}

function allMutants() {
  const found = []
  for (const [module, { source, code, map }] of modules) {
    if (unmutated.includes(source) || !wanted.some(path => source === path || source.startsWith(`${path}/`))) continue
    for (const mutant of mutantsOf(code)) {
      const before = code.slice(0, mutant.start).split('\n')
      const line = (map.findEntry(before.length - 1, before.at(-1).length).originalLine ?? 0) + 1
      found.push({ ...mutant, module, line, source, was: code.slice(mutant.start, mutant.end), outcome: undefined })
    }
  }
  if (found.length === 0) fail(`no mutants in ${wanted.join(', ')}`)
  return found
}

/** Picks by hash, so the sample stays the same while the surrounding code does not change. */
function sample(all) {
  if (values.sample === undefined) return all
  const key = ({ module, was, text, start }) =>
    createHash('sha256').update(`${module}\0${was}\0${text}\0${start}`).digest('hex')
  const chosen = all.toSorted((a, b) => (key(a) < key(b) ? -1 : 1)).slice(0, Number(values.sample))
  return all.filter(mutant => chosen.includes(mutant))
}

async function work(folder) {
  for (let mutant = queue.shift(); mutant !== undefined; mutant = queue.shift()) {
    const { code } = modules.get(mutant.module)
    const path = join(folder, 'dist', 'modules', mutant.module)
    writeFileSync(path, code.slice(0, mutant.start) + mutant.text + code.slice(mutant.end))
    mutant.outcome = await judge(folder, mutant)
    writeFileSync(path, code)
    if (mutant.outcome === 'survived' || mutant.outcome === 'unreached') console.log(described(mutant))
  }
}

async function judge(folder, mutant) {
  const killed = file => kills.get(`${mutant.module} ${file}`) ?? 0
  const those = tests
    .filter(test => reaches(test, mutant))
    .sort((a, b) => killed(b.file) - killed(a.file) || a.ms - b.ms)
  if (those.length === 0) return 'unreached'
  for (const some of [those.slice(0, firstFew), those.slice(firstFew)]) {
    if (some.length === 0) continue
    const usual = some.reduce((sum, { ms }) => sum + ms, 0)
    const files = some.map(({ file }) => file)
    const outcome = await runTests(folder, files, leastMs + 3 * usual)
    if (outcome === 'passed') continue
    for (const file of files) kills.set(`${mutant.module} ${file}`, killed(file) + 1 / files.length)
    return outcome === 'failed' ? 'killed' : 'timed out'
  }
  return 'survived'
}

/** Runs test files in a copy. After `most` ms, kills the process group. */
async function runTests(folder, files, most, env = {}) {
  const child = spawn(process.execPath, [tool.ava, '--fail-fast', ...files], {
    cwd: folder,
    stdio: 'ignore',
    detached: true,
    env: { ...process.env, ...env }
  })
  let late = false
  const end = () => {
    late = true
    endGroup(child.pid)
  }
  const timer = setTimeout(end, most)
  const leave = () => endGroup(child.pid)
  process.on('exit', leave)
  const code = await new Promise(resolve => child.once('close', resolve))
  process.off('exit', leave)
  clearTimeout(timer)
  endGroup(child.pid)
  return late ? 'timed out' : code === 0 ? 'passed' : 'failed'
}

function endGroup(pid) {
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // The group has already exited.
  }
}

function described({ source, line, kind, was, text, outcome }) {
  const short = code => code.replace(/\s+/g, ' ').slice(0, 60)
  return `${outcome} ${source}:${line} ${kind}: ${short(was)} → ${short(text)}`
}

function report() {
  const judged = mutants.filter(({ outcome }) => outcome !== undefined)
  if (judged.length === 0) return
  const count = outcome => judged.filter(mutant => mutant.outcome === outcome).length
  const found = count('killed') + count('timed out')
  const path = join(cache, 'mutants.json')
  writeFileSync(path, JSON.stringify(judged, null, 1))
  console.log(
    `${found} of ${judged.length} mutants killed (${((100 * found) / judged.length).toFixed(1)} %), ` +
      `${count('timed out')} of them by timeout; ${count('survived')} survived, ${count('unreached')} not covered. ${path}`
  )
}
