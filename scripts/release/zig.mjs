// What zig adds to the addons that it links: LLVM's unwinder in place of GCC's library, and functions of its own for the compiler.
import { readFileSync } from 'node:fs'
import { at, fail } from '../util.mjs'

const licence = name => readFileSync(at('scripts', 'release', 'licences', `${name}.txt`), 'utf8').trim()

/** Whether `.github/workflows/ci.yml` builds for a target with zig. */
export const isLinkedByZig = target => /-linux-(musl|gnu)$/.test(target) && target !== 'x86_64-unknown-linux-gnu'

/**
 * @param {string} target
 * @returns {import('./standard-library.mjs').Part[]}
 */
export function zigParts(target) {
  if (!isLinkedByZig(target)) return []
  const [, version] =
    /^ziglang==(\S+)/m.exec(readFileSync(at('.ci', 'pip', 'zig.txt'), 'utf8')) ?? fail('no version of zig')
  const source = 'https://ziglang.org'
  return [
    {
      id: `compiler_rt of zig ${version}`,
      name: 'zig-compiler-rt',
      version,
      license: 'MIT',
      source,
      texts: [licence('zig')]
    },
    {
      id: `libunwind of LLVM, from zig ${version}`,
      name: 'zig-libunwind',
      version,
      license: 'Apache-2.0 WITH LLVM-exception',
      source,
      texts: [licence('llvm')]
    }
  ]
}
