/** What a call failed with. Decide by code; the message is for people. */
export class Status1to1Error extends Error {
  constructor(error) {
    super(error.field ? `${error.message} (${error.field})` : error.message);
    this.name = "Status1to1Error";
    this.code = error.code;
    this.category = error.category;
    this.retryable = error.retryable;
    this.field = error.field;
    this.details = error.details;
  }
}

/** An error of this package in the form of the library's. */
export function localError(code, message, details = {}) {
  return new Status1to1Error({ code, category: "request", message, retryable: false, field: "", details });
}
