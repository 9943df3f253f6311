/** Worth trying again: something is away, busy or in the way right now. The message is shown to staff. */
export class RetryableError extends Error {
  override readonly name = "RetryableError"
}

/** Trying again will not help: the message says what a person can do about it. */
export class PermanentError extends Error {
  override readonly name = "PermanentError"
}

/** A younger claim of the same tenant has been at work: this one must stop and change nothing more. */
export class StaleEpoch extends Error {
  override readonly name = "StaleEpoch"
}
