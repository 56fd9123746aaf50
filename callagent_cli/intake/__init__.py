"""What people have becomes contacts: files, workbooks, sheets, streams."""
