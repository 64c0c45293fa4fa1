"""Who you are: sign up, confirm the address, sign in and out, profile, password, list of sign-ins.

A sign-in is a row that can be ended; the browser holds a random key, the database its hash. What happens before
anybody is known goes through narrow functions of the database (schema auth). Answers are the same whether or not an
address has an account; what differs is the mail.
"""
