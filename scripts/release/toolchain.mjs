// The C compiler and libraries with which the addon of Linux x64 is published. Its C library is of 2012, so that the addon runs wherever
// Node.js does. npm's lock file names it by its content. napi's `--use-napi-cross` takes the same package without a checksum, and GNU ld
// with it, which lacks an option that `crates/fastn-net-node/build.rs` asks for.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { installToolchain } from '../install.mjs'
import { at, fail, hostTarget, run, say } from '../util.mjs'

const target = 'x86_64-unknown-linux-gnu'

/**
 * Variables and flags of rustc for a build for `to`. Empty for other systems, whose own compilers build there.
 *
 * @param {string} to
 * @returns {{ variables: Record<string, string>, flags: string[] }}
 */
export function toolchainFor(to) {
  // It is a program for this system.
  if (to !== target || hostTarget() !== target) return { variables: {}, flags: [] }
  const folder = unpacked()
  const program = name => join(folder, 'bin', `${target}-${name}`)
  return {
    variables: {
      CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_LINKER: program('gcc'),
      CC_x86_64_unknown_linux_gnu: program('gcc'),
      AR_x86_64_unknown_linux_gnu: program('ar')
    },
    // There gcc looks for `ld` first.
    flags: [`-Clink-arg=-B${linker()}`]
  }
}

/** The folder of the unpacked compiler. */
function unpacked() {
  installToolchain()
  const from = at('scripts', 'release', 'toolchain', 'node_modules', '@napi-rs', `cross-toolchain-x64-target-x86_64`)
  const { version } = JSON.parse(readFileSync(join(from, 'package.json'), 'utf8'))
  const folder = at('target', 'toolchain')
  const done = join(folder, 'version')
  if (existsSync(done) && readFileSync(done, 'utf8') === version) return folder
  say(`unpacks the compiler for releases, GCC with an old C library`)
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  run('tar', ['-xJf', join(from, `${target}.tar.xz`), '-C', folder])
  writeFileSync(done, version)
  return folder
}

/** A folder in which rustc's own linker, lld, is `ld`. */
function linker() {
  const { stdout } = spawnSync('rustc', ['--print', 'sysroot'], { encoding: 'utf8' })
  const lld = join(stdout.trim(), 'lib', 'rustlib', target, 'bin', 'rust-lld')
  if (!existsSync(lld)) fail(`rustc has no ${lld}: install Rust by rustup`)
  const folder = at('target', 'linker')
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  symlinkSync(lld, join(folder, 'ld'))
  return folder
}
