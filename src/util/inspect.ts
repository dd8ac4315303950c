import { printable } from './printable.js'

/** How `console.log` and `util.inspect` show objects of a class: private fields say nothing to a person. */
export function inspectAs<T extends object>(type: { readonly prototype: T }, text: (self: T) => string): void {
  Object.defineProperty(type.prototype, Symbol.for('nodejs.util.inspect.custom'), {
    value(this: T) {
      return printable(text(this))
    }
  })
}
