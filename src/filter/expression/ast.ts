/** The tree of an expression, before columns and types are known. */

export type BinaryOp =
  | 'or'
  | 'xor'
  | 'and'
  | '='
  | '<=>'
  | '<>'
  | '<'
  | '<='
  | '>'
  | '>='
  | '|'
  | '&'
  | '<<'
  | '>>'
  | '+'
  | '-'
  | '*'
  | '/'
  | 'div'
  | '%'
  | '^'
  | '->'
  | '->>';

/** What stands behind IS. */
export type Truth = 'null' | 'true' | 'false' | 'unknown';

export interface CastTarget {
  readonly type: 'signed' | 'unsigned' | 'char' | 'decimal' | 'double' | 'date' | 'datetime';
  readonly length?: number;
  readonly decimals?: number;
}

/** `at` is the offset in the expression's text, for messages. */
export type Expr = { readonly at: number } & (
  | { readonly kind: 'column'; readonly name: string }
  | { readonly kind: 'null' }
  | { readonly kind: 'integer'; readonly value: bigint; readonly truth?: true }
  /** Digits with a point, without an exponent. */
  | { readonly kind: 'decimal'; readonly text: string }
  | { readonly kind: 'double'; readonly value: number }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'temporal'; readonly type: 'date' | 'time' | 'timestamp'; readonly value: string }
  | { readonly kind: 'unary'; readonly op: '-' | 'not' | '~'; readonly value: Expr }
  | { readonly kind: 'binary'; readonly op: BinaryOp; readonly left: Expr; readonly right: Expr }
  | { readonly kind: 'is'; readonly value: Expr; readonly truth: Truth; readonly negated: boolean }
  | { readonly kind: 'in'; readonly value: Expr; readonly list: readonly Expr[]; readonly negated: boolean }
  | {
      readonly kind: 'between';
      readonly value: Expr;
      readonly low: Expr;
      readonly high: Expr;
      readonly negated: boolean;
    }
  | {
      readonly kind: 'like';
      readonly value: Expr;
      readonly pattern: Expr;
      readonly escape: string;
      readonly negated: boolean;
    }
  | {
      readonly kind: 'case';
      readonly operand: Expr | undefined;
      readonly branches: readonly { readonly when: Expr; readonly then: Expr }[];
      readonly otherwise: Expr | undefined;
    }
  | { readonly kind: 'call'; readonly name: string; readonly args: readonly Expr[] }
  | { readonly kind: 'cast'; readonly value: Expr; readonly target: CastTarget }
  | { readonly kind: 'collate'; readonly value: Expr; readonly collation: string }
  /** `date + INTERVAL n unit`, in whichever form it was written; `sign` -1 for subtraction. */
  | {
      readonly kind: 'shift';
      readonly date: Expr;
      readonly amount: Expr;
      readonly unit: string;
      readonly sign: 1 | -1;
    }
);
