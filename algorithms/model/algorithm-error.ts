/**
 * What a model may refuse, once: the codes and their sentences. This library imports nothing of
 * ours but ids, so whoever runs a fit turns these into the product's own errors.
 */
const TEMPLATES = {
  bad_option: 'Expected option {name} to be {expected}, got {got}.',
  bad_data: 'Expected {what} to be {expected}, got {got}.',
  not_positive_definite:
    'Expected a positive definite matrix, got a pivot of {pivot} at row {row}; raise the regularisation.',
  bad_artifact: 'Expected {expected} in a stored model, got {got}.',
} as const;

export type AlgorithmErrorCode = keyof typeof TEMPLATES;
type Details = Readonly<Record<string, unknown>>;

export class AlgorithmError extends Error {
  readonly code: AlgorithmErrorCode;
  readonly details: Details;

  constructor(code: AlgorithmErrorCode, details: Details) {
    super(
      TEMPLATES[code].replace(/\{(\w+)\}/g, (_, name: string) =>
        Object.hasOwn(details, name) ? String(details[name]) : '?',
      ),
    );
    this.name = 'AlgorithmError';
    this.code = code;
    this.details = details;
  }
}

export const isAlgorithmError = (
  error: unknown,
  code?: AlgorithmErrorCode,
): error is AlgorithmError =>
  error instanceof AlgorithmError && (code === undefined || error.code === code);
