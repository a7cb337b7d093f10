"""What whom may do to which resource, member by member: declared once, asked by services and routes."""
