// Classes expose to JavaScript exactly what their types declare. No member reaches private state.
import { readFileSync } from 'node:fs'
import test from 'ava'
import * as fastn from 'fastn-net'
import ts from 'typescript'

const text = readFileSync(new URL('../../index.d.ts', import.meta.url), 'utf8')
const declarations = ts.createSourceFile('index.d.ts', text, ts.ScriptTarget.Latest, true)
const classes = declarations.statements.filter(ts.isClassDeclaration)

for (const declaration of classes) {
  const name = declaration.name?.text as string
  const type = (fastn as unknown as Record<string, { prototype: object }>)[name]!

  test(`${name} has exactly the members of its types`, t => {
    t.deepEqual(membersOf(type).sort(), declared(declaration, true).sort(), 'static members')
    t.deepEqual(membersOf(type.prototype).sort(), declared(declaration, false).sort(), 'members')
  })
}

for (const declaration of classes.filter(isMadeByTheLibrary)) {
  const name = declaration.name?.text as string
  test(`only the library constructs ${name}`, t => {
    const type = (fastn as unknown as Record<string, new (...given: unknown[]) => object>)[name]!
    class Sub extends type {}
    for (const make of [() => new type(), () => new type(Symbol('any'), {}), () => new Sub(), () => new Sub(type)])
      t.throws(make, { code: 'ERR_INVALID_ARGUMENT', message: /^Illegal constructor: use / })
  })
}

test('every exported class is covered', t => {
  const exported = Object.entries(fastn).filter(([, value]) => /^class /.test(String(value)))
  t.deepEqual(exported.map(([name]) => name).sort(), classes.map(each => each.name?.text).sort())
})

/** Names of own methods and accessors. Excludes symbols and the names that every class has. */
function membersOf(of: object): string[] {
  const everyone = ['constructor', 'length', 'name', 'prototype']
  return Object.getOwnPropertyNames(of).filter(name => !everyone.includes(name))
}

function declared(declaration: ts.ClassDeclaration, isStatic: boolean): string[] {
  const names = declaration.members.flatMap(member => {
    if (!ts.isMethodDeclaration(member) && !ts.isAccessor(member)) return []
    if (!ts.isIdentifier(member.name)) return []
    return hasModifier(member, ts.SyntaxKind.StaticKeyword) === isStatic ? [member.name.text] : []
  })
  return [...new Set(names)]
}

/** Whether its types forbid construction: a private constructor, or an abstract class. */
function isMadeByTheLibrary(declaration: ts.ClassDeclaration): boolean {
  if (hasModifier(declaration, ts.SyntaxKind.AbstractKeyword)) return true
  return declaration.members.some(
    member => ts.isConstructorDeclaration(member) && hasModifier(member, ts.SyntaxKind.PrivateKeyword)
  )
}

function hasModifier(node: ts.HasModifiers, kind: ts.SyntaxKind): boolean {
  return ts.getModifiers(node)?.some(each => each.kind === kind) ?? false
}
