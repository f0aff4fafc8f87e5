/** A backend cannot be used as it is configured: the mistake of whoever wrote the configuration, told where it names the backend. */
export class BackendProblem extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'BackendProblem';
  }
}
