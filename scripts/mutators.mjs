// The mutations that `npm run test:mutants` applies, one at a time.
import ts from 'typescript'

const K = ts.SyntaxKind

/** Replacements by operator. */
const operators = new Map([
  [K.EqualsEqualsEqualsToken, ['!==']],
  [K.ExclamationEqualsEqualsToken, ['===']],
  [K.LessThanToken, ['<=', '>=']],
  [K.LessThanEqualsToken, ['<', '>']],
  [K.GreaterThanToken, ['>=', '<=']],
  [K.GreaterThanEqualsToken, ['>', '<']],
  [K.AmpersandAmpersandToken, ['||']],
  [K.BarBarToken, ['&&']],
  [K.QuestionQuestionToken, ['&&']],
  [K.PlusToken, ['-']],
  [K.MinusToken, ['+']],
  [K.AsteriskToken, ['/']],
  [K.SlashToken, ['*']],
  [K.PercentToken, ['*']],
  [K.PlusEqualsToken, ['-=']],
  [K.MinusEqualsToken, ['+=']],
  [K.QuestionQuestionEqualsToken, ['=']]
])

/**
 * Lists all mutants of a module.
 *
 * @param {string} code JavaScript.
 * @returns {{ start: number, end: number, text: string, kind: string }[]} Replacement text and range of each mutant.
 */
export function mutantsOf(code) {
  const source = ts.createSourceFile('module.js', code, ts.ScriptTarget.ES2022, true, ts.ScriptKind.JS)
  const found = []
  const add = (kind, node, text) => found.push({ kind, start: node.getStart(source), end: node.getEnd(), text })
  const visit = node => {
    for (const [kind, place, text] of faultsIn(node)) add(kind, place, text)
    ts.forEachChild(node, visit)
  }
  visit(source)
  return found
}

/** Yields kind, replaced node and replacement text of each mutant of a node. */
function* faultsIn(node) {
  if (ts.isIfStatement(node) || ts.isConditionalExpression(node)) {
    const condition = ts.isIfStatement(node) ? node.expression : node.condition
    yield ['condition', condition, 'true']
    yield ['condition', condition, 'false']
  } else if (ts.isWhileStatement(node) || (ts.isForStatement(node) && node.condition)) {
    yield ['condition', node.expression ?? node.condition, 'false']
  } else if (ts.isBinaryExpression(node)) {
    const texts = isOfTexts(node) ? [] : (operators.get(node.operatorToken.kind) ?? [])
    for (const text of texts) yield ['operator', node.operatorToken, text]
  } else if (ts.isPrefixUnaryExpression(node) && node.operator === K.ExclamationToken) {
    yield ['negation', node, node.operand.getText()]
  } else if (ts.isPostfixUnaryExpression(node) || ts.isPrefixUnaryExpression(node)) {
    yield* stepsIn(node)
  } else if (node.kind === K.TrueKeyword || node.kind === K.FalseKeyword) {
    yield ['boolean', node, node.kind === K.TrueKeyword ? 'false' : 'true']
  } else if (ts.isCallExpression(node)) {
    yield* argumentsOf(node)
  } else if (ts.isExpressionStatement(node) || ts.isThrowStatement(node)) {
    if (!isSuper(node.expression) && !ts.isStringLiteral(node.expression)) yield ['statement', node, ';']
  } else if (ts.isReturnStatement(node) && node.expression === undefined) {
    yield ['statement', node, ';']
  }
}

function* stepsIn(node) {
  const text = node.getText()
  if (node.operator === K.PlusPlusToken) yield ['step', node, text.replace('++', '--')]
  else if (node.operator === K.MinusMinusToken) yield ['step', node, text.replace('--', '++')]
}

/** Drops the last argument that a call passes on. A test must notice when the default applies instead. */
function* argumentsOf(node) {
  const last = node.arguments.at(-1)
  if (node.arguments.length < 2 || last === undefined) return
  if (ts.isIdentifier(last) ? last.text !== 'undefined' : ts.isPropertyAccessExpression(last))
    yield ['argument', last, 'undefined']
}

/** True for string concatenation: message text is not behaviour. */
function isOfTexts({ left, right, operatorToken }) {
  const isText = node => ts.isStringLiteralLike(node) || ts.isTemplateExpression(node)
  return operatorToken.kind === K.PlusToken && (isText(left) || isText(right))
}

function isSuper(node) {
  return ts.isCallExpression(node) && node.expression.kind === K.SuperKeyword
}
